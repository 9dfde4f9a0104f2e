import { assert, describe, it } from "@effect/vitest"
import * as Dgram from "node:dgram"
import { once } from "node:events"
import type { TestContext } from "vitest"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as Coturn from "../relays/Coturn.ts"
import { NotAvailable } from "../relays/Relay.ts"
import type { Calls, RelayPlace, RunOrder } from "./LoadOrder.ts"
import * as LoadRun from "./LoadRun.ts"

const host = "127.0.0.1"
const kernelBufferBytes = 4 * 1024 * 1024

/** What becomes of packet `n` of those that a relay gets: the datagrams that it sends on. */
type Forward = (packet: Buffer, n: number) => ReadonlyArray<Buffer>

/** A plain relay in this process, which has its turns of the event loop between those of the load. */
const startPlain = async (context: TestContext, forward: Forward = (packet) => [packet]): Promise<RelayPlace> => {
  const socket = Dgram.createSocket("udp4")
  const callOf = new Map<number, string>()
  let packets = 0
  socket.on("message", (datagram, { port }) => {
    if (datagram.length === 0 || datagram[0]! < HopFrame.firstByteMin) {
      callOf.set(port, datagram.toString())
      return socket.send(datagram, port, host)
    }
    const call = callOf.get(port)
    for (const sent of forward(datagram, packets++)) {
      for (const [other, itsCall] of callOf) if (itsCall === call && other !== port) socket.send(sent, other, host)
    }
  })
  socket.bind(0, host)
  await once(socket, "listening")
  // What is lost is what `forward` loses, however long this process waits for a processor.
  socket.setRecvBufferSize(kernelBufferBytes)
  context.onTestFinished(() => void socket.close())
  return { host, port: socket.address().port }
}

const pair: Calls = { calls: 1, participants: 2, senders: 2, payloadBytes: 200, kind: "audio" }
/** Slow enough for whatever else the machine has to do. */
const pace = { packetsPerSecond: 2000 }
/** What clocks and the ends of a measurement may be off by. Share. */
const slack = 0.1

const run = (relay: RelayPlace, more: Partial<RunOrder> = {}) =>
  LoadRun.run({
    order: "run",
    language: "plain",
    relay,
    pid: process.pid,
    calls: pair,
    pace,
    timing: { warmUpMs: 20, measureMs: 200, drainMs: 300 },
    ...more
  })

describe("LoadRun", () => {
  it("gets everything that a relay forwards, and says what it has offered", async (context) => {
    const report = await run(await startPlain(context))
    assert.strictEqual(report.wrong, 0)
    assert.strictEqual(report.received, report.sent)
    // A busy machine may keep it from sending for a while; the clock never lets it send more in all.
    assert.isAtMost(report.sent, 2000 * 0.22 * (1 + slack))
    assert.isAbove(report.offeredPerSecond, 0)
    assert.isAbove(report.delayMs.p50, 0)
    assert.isUndefined(report.beside)
  })

  it("counts what is lost, and no packet that came is wrong for it", async (context) => {
    let lost = 0
    const relay = await startPlain(context, (packet, n) => {
      if (n % 10 !== 4) return [packet]
      lost++
      return []
    })
    const { received, sent, wrong } = await run(relay)
    assert.isAbove(lost, 0)
    assert.deepStrictEqual([received, wrong], [sent - lost, 0])
  })

  it("counts what is changed, sent twice or late as wrong", async (context) => {
    let changed = 0
    let twice = 0
    const relay = await startPlain(context, (packet, n) => {
      if (n % 10 === 3) {
        packet[packet.length - 1]! ^= 1
        changed++
      } else if (n % 10 === 7) {
        twice++
        return [packet, packet]
      }
      return [packet]
    })
    const { received, sent, wrong } = await run(relay)
    assert.isAbove(changed, 0)
    assert.isAbove(twice, 0)
    assert.strictEqual(wrong, changed + twice)
    assert.strictEqual(received, sent - changed)
  })

  it("counts what a relay that is saturated loses", async (context) => {
    let lost = 0
    const relay = await startPlain(context, (packet, n) => {
      if (n % 5 !== 1) return [packet]
      lost++
      return []
    })
    const { received, sent, wrong } = await run(relay, { pace: { packetsUnderWay: 32 } })
    assert.isAbove(lost, 0)
    assert.deepStrictEqual([received, wrong], [sent - lost, 0])
  })

  it("reports calls beside those that are measured apart from them", async (context) => {
    const report = await run(await startPlain(context), {
      calls: { ...pair, kind: "video", payloadBytes: 1000, framePackets: 5 },
      pace: { packetsPerSecond: 2000, ticksPerSecond: 200 },
      beside: { calls: { ...pair, participants: 3, senders: 1 }, pace: { packetsPerSecond: 200 } }
    })
    assert.strictEqual(report.wrong, 0)
    assert.strictEqual(report.received, report.sent)
    assert.strictEqual(report.sent % 5, 0)
    const { sent } = report.beside!
    assert.isAbove(sent, 0)
    assert.strictEqual(sent % 2, 0)
    assert.isBelow(sent, report.sent)
    assert.deepStrictEqual(report.beside, { sent, received: sent, wrong: 0 })
  })

  it("speaks TURN with coturn: packets and frames in both directions", async (context) => {
    const relay = await Coturn.relay.start({ core: undefined }).catch((error: unknown) => {
      if (!(error instanceof NotAvailable)) throw error
      const reason = `${error.message}: apt-get install coturn`
      if (process.env["TANDEM_REQUIRE"] === "all") assert.fail(reason)
      console.warn(`skipped: ${reason}`)
      return context.skip(reason)
    })
    context.onTestFinished(relay.end)
    const order = { language: "turn", pid: relay.pid } as const
    for (const framePackets of [1, 8]) {
      const report = await run(relay.place, { ...order, calls: { ...pair, calls: 2, framePackets } })
      assert.isAbove(report.sent, 0)
      assert.deepStrictEqual([report.received, report.wrong], [report.sent, 0])
    }
    const three = run(relay.place, { ...order, calls: { ...pair, participants: 3 } })
    const refused = await three.then(
      () => "nothing",
      (error: unknown) => String(error)
    )
    assert.match(refused, /coturn carries calls of two only/)
  })
})
