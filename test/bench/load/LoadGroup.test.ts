import { assert, describe, it } from "@effect/vitest"
import * as Statistics from "../Statistics.ts"
import * as LoadGroup from "./LoadGroup.ts"
import type { Calls, Pace } from "./LoadOrder.ts"
import * as MediaFlow from "./MediaFlow.ts"

const calls: Calls = { calls: 2, participants: 2, senders: 1, payloadBytes: 200, kind: "audio" }

/** Two streams that nobody hears. */
const setUp = (pace: Pace, more: Partial<Calls> = {}) => {
  const sent: Array<readonly [stream: number, packets: number]> = []
  const shape = { ...calls, ...more }
  const flowOf = (ssrc: number): MediaFlow.MediaFlow => ({
    sender: {
      sending: { address: new Uint32Array(5), onDatagram: () => {}, send: () => {}, prepare },
      address: new Uint32Array(5),
      headerBytes: 0,
      writeHeader: () => {},
      onPacket: () => {},
      join: async () => {},
      poll: () => {},
      leave: async () => {}
    },
    ssrc,
    receivers: shape.participants - 1,
    framePackets: shape.framePackets ?? 1,
    packetBytes: 16,
    payload: new Int32Array(),
    payloadTail: new Uint8Array(),
    train: { ...prepare(16, 64), send: (packets) => sent.push([ssrc, packets]) },
    next: 0,
    sentAtMs: new Float64Array(1024)
  })
  const flows = [flowOf(1), flowOf(2)]
  const group = LoadGroup.make(shape, pace, flows, flows.map(MediaFlow.makeArrivals))
  const lates = Statistics.makeSamples(1000)
  LoadGroup.start(group, 0)
  const send = (nowMs: number) => {
    sent.length = 0
    LoadGroup.send(group, nowMs, lates)
    return [...sent]
  }
  return { group, lates, send }
}
const prepare = (packetBytes: number, packetsMax: number): MediaFlow.MediaFlow["train"] => {
  const bytes = new Uint8Array(packetBytes * packetsMax)
  return { packetBytes, bytes, view: new DataView(bytes.buffer), send: () => {} }
}

const packetsOf = (sent: ReadonlyArray<readonly [number, number]>) =>
  sent.reduce((sum, [, packets]) => sum + packets, 0)

describe("LoadGroup", () => {
  it("sends one packet after the other, stream by stream, when they are due", () => {
    const { send } = setUp({ packetsPerSecond: 1000 })
    assert.deepStrictEqual(send(0), [[1, 1]])
    assert.deepStrictEqual(send(0.5), [])
    assert.deepStrictEqual(send(2), [
      [2, 1],
      [1, 1]
    ])
  })

  it("sends frames whole", () => {
    const { send } = setUp({ packetsPerSecond: 8000 }, { framePackets: 8 })
    assert.deepStrictEqual(send(1), [
      [1, 8],
      [2, 8]
    ])
  })

  it("gives all streams their part of what is due at a tick, each in one go", () => {
    const { send } = setUp({ packetsPerSecond: 2000, ticksPerSecond: 100 })
    assert.deepStrictEqual(send(0), [[1, 1]])
    assert.deepStrictEqual(send(9), [])
    assert.deepStrictEqual(send(10), [
      [2, 10],
      [1, 10]
    ])
  })

  it("what it cannot send in one turn is sent in the next, and is late", () => {
    const { group, lates, send } = setUp({ packetsPerSecond: 100_000 })
    let sent = 0
    for (let turn = 0; turn < 4; turn++) sent += packetsOf(send(1.5))
    assert.strictEqual(sent, 151)
    assert.strictEqual(group.tally.sent, 151)
    assert.strictEqual(lates.count, 151)
    assert.isAtLeast(lates.values[0]!, 1.5)
  })

  it("has as many packets under way as it is told, and no more", () => {
    const { group, send } = setUp({ packetsUnderWay: 20 }, { participants: 3 })
    assert.strictEqual(packetsOf(send(0)), 8)
    assert.strictEqual(packetsOf(send(1)), 0)
    group.tally.received += 6
    group.tally.missed += 2
    assert.strictEqual(packetsOf(send(2)), 4)
  })

  it("takes for lost what does not come any more", () => {
    const { send } = setUp({ packetsUnderWay: 8 })
    assert.strictEqual(packetsOf(send(0)), 8)
    assert.strictEqual(packetsOf(send(49)), 0)
    assert.strictEqual(packetsOf(send(51)), 8)
  })

  it("refuses to have less under way than goes out at once", () => {
    assert.throws(() => setUp({ packetsUnderWay: 7 }, { framePackets: 8 }), /less than one frame/)
  })
})
