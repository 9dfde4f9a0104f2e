import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { ReceivedPacket } from "../../../src/client/streams/ReceivedPacket.ts"
import * as ReceivingStream from "../../../src/client/streams/ReceivingStream.ts"
import * as OrderedStream from "../../../src/media/OrderedStream.ts"
import { ParticipantId } from "../../../src/protocol/Ids.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import { StreamDescription } from "../../../src/protocol/StreamDescription.ts"
import { dice } from "../../media/LegPair.ts"

const description = new StreamDescription({ ssrc: 5, kind: "audio", clockRate: 48_000, codec: "opus" })
const make = () =>
  ReceivingStream.make(ParticipantId.make("lin"), description, {
    sharedSecret: undefined,
    playoutDelayMs: 300,
    repair: true
  })

/** Packet `number`, sent at 20 ms times the number, that arrives at `arrivedAtMs`. */
const packetOf = (start: number, number: number, arrivedAtMs: number): ReceivingStream.ArrivedPacket => ({
  bytes: RtpHeader.encode({
    marker: false,
    payloadType: 111,
    sequenceNumber: (start + number) & 0xffff,
    timestamp: number * 960,
    ssrc: 5,
    payload: Uint8Array.of(number)
  }),
  descriptor: 0,
  repaired: false,
  arrivedAtMs
})

const Start = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
/** Lost in a row: nearly as many as can be told from a step back. */
const Hole = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fff - 100 }))
const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))

describe("ReceivingStream", () => {
  it.prop(
    "hands out every packet that came in time once and in order, wherever the numbers wrap",
    [Start, Seed, Hole],
    ([start, seed, hole]) => {
      const draw = dice(seed)
      const stream = make()
      const out: Array<ReceivedPacket> = []
      const count = 120
      const lost = new Set(Array.from({ length: 10 }, () => 1 + Math.floor(draw() * (count - 2))))
      const sent = Array.from({ length: count }, (_, number) => number)
        .filter((number) => !lost.has(number))
        .map((number) => (number < count / 2 ? number : number + hole))
      const arrivals = sent
        .flatMap((number) => (draw() < 0.2 ? [number, number] : [number]))
        .map((number) => ({ number, arrivesAtMs: number * 20 + draw() * 200 }))
        .sort((a, b) => a.arrivesAtMs - b.arrivesAtMs)
      for (const { arrivesAtMs, number } of arrivals) {
        ReceivingStream.handlePacket(stream, packetOf(start, number, arrivesAtMs))
        OrderedStream.poll(stream.ordered, arrivesAtMs, out)
      }
      OrderedStream.poll(stream.ordered, Infinity, out)
      assert.deepStrictEqual(
        out.map(({ payload }) => payload[0]),
        sent.map((number) => number & 0xff),
        `seed ${seed}`
      )
      const missed = out.reduce((sum, { missedBefore }) => sum + missedBefore, 0)
      assert.strictEqual(missed, lost.size + hole)
      assert.strictEqual(stream.ordered.packetsMissed, lost.size + hole)
      assert.strictEqual(stream.counters.packetsDuplicate, arrivals.length - sent.length)
    }
  )

  it("follows a sender that has started anew, which two packets in a row show", () => {
    const stream = make()
    const out: Array<ReceivedPacket> = []
    const takeAll = (start: number, numbers: ReadonlyArray<number>, fromMs: number) => {
      for (const number of numbers) {
        ReceivingStream.handlePacket(stream, packetOf(start, number, fromMs + number * 20))
      }
      OrderedStream.poll(stream.ordered, Infinity, out)
    }
    takeAll(40_000, [0, 1, 2], 0)
    takeAll(20_000, [0, 1, 2], 1000)
    assert.deepStrictEqual(
      out.map(({ missedBefore, sequenceNumber }) => [sequenceNumber, missedBefore]),
      [
        [40_000, 0],
        [40_001, 0],
        [40_002, 0],
        [20_001, 0],
        [20_002, 0]
      ]
    )
  })

  it("counts what comes after it has been given up", () => {
    const stream = make()
    const out: Array<ReceivedPacket> = []
    for (const number of [0, 2]) ReceivingStream.handlePacket(stream, packetOf(0, number, number * 20))
    OrderedStream.poll(stream.ordered, Infinity, out)
    ReceivingStream.handlePacket(stream, packetOf(0, 1, 900))
    OrderedStream.poll(stream.ordered, Infinity, out)
    assert.deepStrictEqual(
      out.map(({ payload }) => payload[0]),
      [0, 2]
    )
    assert.strictEqual(stream.ordered.packetsLate, 1)
  })

  it("still wants a key frame when an old one that was given up is sent again", () => {
    const video = new StreamDescription({ ssrc: 5, kind: "video", clockRate: 48_000, codec: "vp8" })
    const options = { sharedSecret: undefined, playoutDelayMs: 100, repair: true }
    const stream = ReceivingStream.make(ParticipantId.make("lin"), video, options)
    const out: Array<ReceivedPacket> = []
    const take = (number: number, descriptor: number) => {
      ReceivingStream.handlePacket(stream, { ...packetOf(0, number, number * 20), descriptor })
      OrderedStream.poll(stream.ordered, Infinity, out)
      return stream.ordered.keyFrames!.pending
    }
    const startsKeyFrame = 0xa0
    assert.isFalse(take(0, startsKeyFrame))
    assert.isTrue(take(2, 0))
    assert.isTrue(take(1, startsKeyFrame))
    assert.isFalse(take(3, startsKeyFrame))
  })

  it("video waits for what was asked for again, then asks for a key frame; not where that helps nobody", () => {
    const video = new StreamDescription({ ssrc: 5, kind: "video", clockRate: 48_000, codec: "vp8" })
    const adapts = { minMs: 20, maxMs: 400 }
    const waitedMs = ([playoutDelayMs, repair]: readonly [number | typeof adapts, boolean]) => {
      const options = { sharedSecret: undefined, playoutDelayMs, repair }
      const { ordered, ...stream } = ReceivingStream.make(ParticipantId.make("lin"), video, options)
      const out: Array<ReceivedPacket> = []
      for (const number of [0, 1, 3]) {
        const packet = { ...packetOf(0, number, number * 20), descriptor: number === 0 ? 0xa0 : 0 }
        ReceivingStream.handlePacket({ ordered, ...stream }, packet)
        OrderedStream.poll(ordered, 100, out)
      }
      assert.isFalse(ordered.keyFrames!.pending)
      const waitedMs = OrderedStream.nextDeadlineMs(ordered) - 60
      OrderedStream.poll(ordered, 2000, out)
      assert.deepStrictEqual(
        out.map(({ missedBefore }) => missedBefore),
        [0, 0, 1]
      )
      assert.isTrue(ordered.keyFrames!.pending)
      return Math.round(waitedMs)
    }
    assert.deepStrictEqual(
      (
        [
          [adapts, true],
          [adapts, false],
          [90, true]
        ] as const
      ).map(waitedMs),
      [1000, 80, 90]
    )
  })

  it("does not take what is no RTP", () => {
    const stream = make()
    ReceivingStream.handlePacket(stream, { ...packetOf(0, 0, 0), bytes: new Uint8Array(12) })
    assert.strictEqual(stream.counters.packets, 0)
  })
})
