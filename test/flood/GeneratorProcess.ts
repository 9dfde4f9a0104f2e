import { Cause, Effect, Exit } from "effect"
import * as ProcessFiles from "../bench/ProcessFiles.ts"
import * as Network from "../../src/server/Network.ts"
import * as Generator from "./Generator.ts"
import type * as Order from "./Order.ts"

/** All people of a round, a process of their own: carries out one order of whoever has started it. */

process.once("message", async (order: Order.GeneratorOrder) => {
  const exit = await Effect.runPromiseExit(Effect.provide(Generator.run(order), Network.layerOf("auto", undefined)))
  if (Exit.isFailure(exit)) {
    console.error(Cause.pretty(exit.cause))
    process.exit(1)
  }
  process.send!({ ...exit.value, cpuSeconds: ProcessFiles.cpuSeconds(process.pid) } satisfies Order.GeneratorAnswer)
})
process.on("disconnect", () => process.exit(0))
