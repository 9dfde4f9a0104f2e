import { Cause, Effect, Exit, ManagedRuntime } from "effect"
import * as Network from "../../../src/server/Network.ts"
import type { DatagramNetwork } from "../../../src/sockets/DatagramNetwork.ts"
import * as Crowd from "./Crowd.ts"
import type { NotJoined } from "./Member.ts"
import type { Answer, Numbered, Order } from "./Order.ts"

/** Devices, a process of their own: carries out the orders of whoever has started it, and speaks all the time. */

const crowd = Crowd.make()
const runtime = ManagedRuntime.make(Network.layerOf("auto", undefined))

const carryOut = (order: Order): Effect.Effect<Answer, NotJoined, DatagramNetwork> => {
  switch (order.order) {
    case "gather":
      return Crowd.gather(crowd, order)
    case "measure":
      return Crowd.measure(crowd, order)
    case "probe":
      return Crowd.probe(order)
  }
}

const answerTo = async (order: Order): Promise<Answer> => {
  const exit = await runtime.runPromiseExit(Effect.suspend(() => carryOut(order)))
  return Exit.isSuccess(exit) ? exit.value : { answer: "failure", message: Cause.pretty(exit.cause) }
}

process.on("message", async ({ body, number }: Numbered<Order>) => {
  process.send!({ number, body: await answerTo(body) } satisfies Numbered<Answer>)
})
process.on("disconnect", () => process.exit(0))

runtime.runFork(Crowd.speak(crowd))
