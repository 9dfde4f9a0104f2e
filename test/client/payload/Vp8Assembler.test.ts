import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Vp8Assembler from "../../../src/client/payload/Vp8Assembler.ts"
import * as Vp8Payload from "../../../src/client/payload/Vp8Payload.ts"
import { bytesOf, integer, sized, video } from "../Samples.ts"

interface Sent extends Vp8Assembler.Vp8RtpPacket {
  readonly frame: number
}

/** The packets of a stream, 30 frames a second. */
const streamOf = (options: {
  readonly frames: ReadonlyArray<Uint8Array>
  readonly payloadBytesMax: number
  readonly firstSequence: number
  readonly firstTimestamp: number
}): ReadonlyArray<Sent> => {
  let sequenceNumber = options.firstSequence
  return options.frames.flatMap((bytes, frame) =>
    Vp8Payload.packetize(bytes, frame, options.payloadBytesMax).map(({ marks, payload }) => ({
      frame,
      sequenceNumber: sequenceNumber++ & 0xffff,
      timestamp: (options.firstTimestamp + frame * 3000) >>> 0,
      marker: marks.endOfFrame,
      payload
    }))
  )
}

/** A frame that says whether it is a key frame. */
const frameOf = (length: number, seed: number, keyFrame: boolean): Uint8Array => {
  const bytes = bytesOf(length, seed)
  bytes[0] = keyFrame ? bytes[0]! & 0xfe : bytes[0]! | 1
  return bytes
}

const gather = (packets: ReadonlyArray<Vp8Assembler.Vp8RtpPacket>) => {
  const assembler = Vp8Assembler.make()
  const frames = packets.flatMap((packet) => Vp8Assembler.handlePacket(assembler, packet) ?? [])
  return { frames, counters: assembler.counters }
}

const Stream = {
  lengths: Arbitrary.array(integer(1, 4_000), { minLength: 1, maxLength: 30 }),
  payloadBytesMax: integer(50, 1_200),
  firstSequence: integer(0, 0xffff),
  firstTimestamp: integer(0, 0xffffffff),
  keyFrameEvery: integer(1, 12)
}

describe("Vp8Assembler", () => {
  it.prop(
    "without loss, every frame comes out whole, wherever the wraps fall",
    Stream,
    (given) => {
      const frames = given.lengths.map((length, index) => frameOf(length, index, index % given.keyFrameEvery === 0))
      const packets = streamOf({ ...given, frames })
      const { counters, frames: gathered } = gather(packets)
      assert.deepStrictEqual(
        gathered.map(({ bytes }) => bytes),
        frames
      )
      assert.isTrue(gathered.every(({ decodable }) => decodable))
      assert.deepStrictEqual(counters, {
        frames: frames.length,
        incompleteFrames: 0,
        missingPackets: 0,
        latePackets: 0,
        malformedPackets: 0
      })
    },
    sized(100)
  )

  it.prop(
    "with loss and duplicates, the frames that arrived whole come out, and it is known which can be decoded",
    { ...Stream, fates: Arbitrary.array(integer(0, 9), { minLength: 1, maxLength: 97 }) },
    ({ fates, ...given }) => {
      const lengths = [...given.lengths, 1]
      const frames = lengths.map((length, index) => frameOf(length, index, index % given.keyFrameEvery === 0))
      const packets = streamOf({ ...given, frames })
      // The last packet always comes, so that what was lost before it is noticed.
      const fateOf = (index: number) => (index === packets.length - 1 ? 2 : fates[index % fates.length]!)
      const arrived = packets.flatMap((packet, index) => {
        if (fateOf(index) === 0) return []
        return fateOf(index) === 1 ? [packet, packet] : [packet]
      })
      const whole = frames.map((_, frame) => packets.every((packet, at) => packet.frame !== frame || fateOf(at) !== 0))
      const { counters, frames: gathered } = gather(arrived)

      const expected: Array<readonly [Uint8Array, boolean]> = []
      let waitsForKeyFrame = true
      let incompleteFrames = 0
      for (const [frame, bytes] of frames.entries()) {
        if (!whole[frame]) {
          waitsForKeyFrame = true
          if (arrived.some((packet) => packet.frame === frame)) incompleteFrames++
          continue
        }
        if (Vp8Payload.isKeyFrame(bytes)) waitsForKeyFrame = false
        expected.push([bytes, !waitsForKeyFrame])
      }
      assert.deepStrictEqual(
        gathered.map(({ bytes, decodable }) => [bytes, decodable] as const),
        expected
      )
      assert.strictEqual(counters.latePackets, packets.filter((_, index) => fateOf(index) === 1).length)
      const firstArrived = packets.findIndex((_, index) => fateOf(index) !== 0)
      const missing = packets.filter((_, index) => fateOf(index) === 0 && index > firstArrived).length
      assert.strictEqual(counters.missingPackets, missing)
      assert.strictEqual(counters.incompleteFrames, incompleteFrames)
    },
    sized(200)
  )

  it("an intentional hole between frames is no loss; one within a frame is", () => {
    const frames = [frameOf(100, 1, true), frameOf(3_000, 2, false), frameOf(3_000, 3, false)]
    const packets = streamOf({ frames, payloadBytesMax: 1_200, firstSequence: 65_530, firstTimestamp: 0 })
    const withheld = packets.filter(({ frame }) => frame !== 1)
    const marked = withheld.with(1, { ...withheld[1]!, holeIsIntentional: true })
    const { counters, frames: gathered } = gather(marked)
    assert.deepStrictEqual(
      gathered.map(({ decodable }) => decodable),
      [true, true]
    )
    assert.strictEqual(counters.missingPackets, 0)

    const torn = packets.with(3, { ...packets[3]!, holeIsIntentional: true }).toSpliced(2, 1)
    assert.deepStrictEqual(
      gather(torn).frames.map(({ decodable }) => decodable),
      [true, false]
    )
  })

  it("nothing is decodable before the first key frame", () => {
    const frames = [frameOf(10, 1, false), frameOf(10, 2, true), frameOf(10, 3, false)]
    const packets = streamOf({ frames, payloadBytesMax: 1_200, firstSequence: 5, firstTimestamp: 5 })
    assert.deepStrictEqual(
      gather(packets).frames.map(({ decodable }) => decodable),
      [false, true, true]
    )
  })

  it("a frame whose end never came, though no packet is missing, is incomplete", () => {
    const frames = [frameOf(2_000, 1, true), frameOf(100, 2, false), frameOf(100, 3, true)]
    const packets = streamOf({ frames, payloadBytesMax: 1_200, firstSequence: 5, firstTimestamp: 5 })
    const { counters, frames: gathered } = gather(packets.with(1, { ...packets[1]!, marker: false }))
    assert.deepStrictEqual(
      gathered.map(({ decodable }) => decodable),
      [false, true]
    )
    assert.strictEqual(counters.incompleteFrames, 1)
    assert.strictEqual(counters.missingPackets, 0)
  })

  it("packets of padding alone are passed over", () => {
    const frames = [frameOf(3_000, 1, true), frameOf(10, 2, false)]
    const packets = streamOf({ frames, payloadBytesMax: 1_200, firstSequence: 5, firstTimestamp: 5 })
    const numbered = (packet: Sent, sequenceNumber: number): Sent => ({ ...packet, sequenceNumber })
    const padding = { ...packets[0]!, marker: false, payload: new Uint8Array(0) }
    const padded = packets.flatMap((packet, index) => [numbered(packet, 2 * index), numbered(padding, 2 * index + 1)])
    assert.deepStrictEqual(
      gather(padded).frames.map(({ decodable }) => decodable),
      [true, true]
    )
  })

  it("a frame without an end is given up", () => {
    const assembler = Vp8Assembler.make()
    const payload = Vp8Payload.packetize(new Uint8Array(60_000), 0, 70_000)[0]!.payload
    for (let sequenceNumber = 0; sequenceNumber < 1000; sequenceNumber++) {
      Vp8Assembler.handlePacket(assembler, { sequenceNumber, timestamp: 0, marker: false, payload })
    }
    assert.isAtMost(assembler.buffer.length, 2 * Vp8Assembler.frameBytesMax)
    assert.strictEqual(assembler.counters.incompleteFrames, 1)
  })

  it("the sample comes through", () => {
    const frames = video.frames.map(({ bytes }) => bytes.slice())
    const packets = streamOf({ frames, payloadBytesMax: 1_100, firstSequence: 65_000, firstTimestamp: 0xffff0000 })
    const { frames: gathered } = gather(packets)
    assert.deepStrictEqual(
      gathered.map(({ bytes }) => bytes),
      frames
    )
    assert.deepStrictEqual(
      gathered.map(({ keyFrame }) => keyFrame),
      frames.map((_, index) => index % 30 === 0)
    )
  })

  const AnyPacket = Schema.Struct({
    sequenceNumber: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 })),
    timestamp: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
    marker: Schema.Boolean,
    holeIsIntentional: Schema.Boolean,
    payload: Schema.Uint8Array
  })

  it.prop(
    "arbitrary packets never throw, and never give an empty frame",
    [Schema.Array(AnyPacket)],
    ([packets]) => {
      const { counters, frames } = gather(packets)
      assert.strictEqual(counters.frames, frames.length)
      assert.isTrue(frames.every(({ bytes }) => bytes.length > 0))
    },
    sized(40)
  )
})
