import { assert, describe, it } from "@effect/vitest"
import * as Dgram from "node:dgram"
import { once } from "node:events"
import type { TestContext } from "vitest"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as Tools from "../../interop/Tools.ts"
import * as CReference from "./CReference.ts"
import { NotAvailable, type Relay, type RunningRelay } from "./Relay.ts"

const start = async (context: TestContext, relay: Relay): Promise<RunningRelay> => {
  try {
    return await relay.start({ core: undefined })
  } catch (error) {
    if (error instanceof NotAvailable) return Tools.skip(context, error.message)
    throw error
  }
}

const socketTo = async ({ place }: RunningRelay): Promise<Dgram.Socket> => {
  const socket = Dgram.createSocket("udp4")
  socket.connect(place.port, place.host)
  await once(socket, "connect")
  return socket
}

const next = async (socket: Dgram.Socket): Promise<Buffer> => ((await once(socket, "message")) as [Buffer])[0]

const say = async (socket: Dgram.Socket, name: string): Promise<void> => {
  const answered = next(socket)
  socket.send(name)
  assert.strictEqual((await answered).toString(), name)
}

const frame = (bytes: number, last: number): Buffer => {
  const frame = Buffer.alloc(bytes, last)
  frame[0] = HopFrame.firstByteMin
  return frame
}

describe("CReference", () => {
  for (const relay of [CReference.relay, CReference.withSegments]) {
    it(`${relay.name}: a packet goes to all others of its call, whole, and is counted`, async (context) => {
      const running = await start(context, relay)
      const sockets = await Promise.all(Array.from({ length: 4 }, () => socketTo(running)))
      const [sender, first, second, stranger] = sockets as [Dgram.Socket, Dgram.Socket, Dgram.Socket, Dgram.Socket]
      try {
        for (const socket of [sender, first, second]) await say(socket, "one call")
        await say(stranger, "another call")
        stranger.on("message", (datagram) => assert.fail(`a stranger got ${datagram.length} bytes`))
        const sizes = [1, 200, 1472]
        for (const [last, bytes] of sizes.entries()) {
          const arrived = Promise.all([next(first), next(second)])
          sender.send(frame(bytes, last))
          for (const datagram of await arrived) assert.deepStrictEqual(datagram, frame(bytes, last))
        }
        assert.strictEqual(await running.packetsOut!(), 2 * sizes.length)

        await say(second, "")
        const arrived = next(first)
        sender.send(frame(9, 9))
        await arrived
        assert.strictEqual(await running.packetsOut!(), 2 * sizes.length + 1)
      } finally {
        for (const socket of sockets) socket.close()
        await running.end()
      }
    })
  }
})
