import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result } from "effect"
import * as OggOpusReader from "../../../src/client/files/OggOpusReader.ts"
import * as OggOpusWriter from "../../../src/client/files/OggOpusWriter.ts"
import * as OpusPayload from "../../../src/client/payload/OpusPayload.ts"
import { bytesOf, concat, integer, sized, speech } from "../Samples.ts"
import { pagesOf } from "./OggPages.ts"

const options: OggOpusWriter.Options = { serialNumber: 0xfedcba98, channels: 2, preSkipSamples: 312 }

interface Given {
  readonly packet: OpusPayload.OpusPacket
  readonly gapSamples: number
}

const fileOf = (given: ReadonlyArray<Given>): Uint8Array => {
  const writer = OggOpusWriter.make(options)
  const chunks = [OggOpusWriter.begin(writer)]
  for (const { gapSamples, packet } of given) {
    // A caller that uses its memory again.
    const bytes = packet.bytes.slice()
    chunks.push(OggOpusWriter.append(writer, { ...packet, bytes }, gapSamples))
    bytes.fill(0xee)
  }
  return concat([...chunks, OggOpusWriter.finish(writer)])
}

/** A packet of one frame of any configuration, longer than any encoder makes them. */
const AnyPacket = Arbitrary.all({ config: integer(0, 31), stereo: integer(0, 1), length: integer(1, 4_000) }).pipe(
  Arbitrary.map(({ config, length, stereo }): OpusPayload.OpusPacket => {
    const bytes = bytesOf(length, config)
    bytes[0] = (config << 3) | (stereo << 2)
    return { bytes, durationSamples: OpusPayload.frameSamples(config) }
  })
)
const AnyGap = Arbitrary.all({ isGap: integer(0, 4), samples: integer(0, 100_000) }).pipe(
  Arbitrary.map(({ isGap, samples }) => (isGap === 0 ? samples : 0))
)
const Recording = Arbitrary.array(Arbitrary.all({ packet: AnyPacket, gapSamples: AnyGap }), { maxLength: 400 })

const samplesOf = (packets: ReadonlyArray<OpusPayload.OpusPacket>): number =>
  packets.reduce((sum, packet) => sum + packet.durationSamples, 0)

describe("OggOpusWriter", () => {
  it.prop(
    "what was written is read",
    [Arbitrary.array(AnyPacket, { maxLength: 400 })],
    ([packets]) => {
      const file = Result.getOrThrow(OggOpusReader.read(fileOf(packets.map((packet) => ({ packet, gapSamples: 0 })))))
      assert.deepStrictEqual(file.head, { channels: 2, preSkipSamples: 312, inputSampleRate: 0, outputGainDb: 0 })
      assert.deepStrictEqual(file.packets, packets)
    },
    sized(400)
  )

  it.prop(
    "gaps are filled to within a step, and every packet stands at its time",
    [Recording],
    ([given]) => {
      const { packets } = Result.getOrThrow(OggOpusReader.read(fileOf(given)))
      let readSamples = 0
      let meantSamples = 0
      let index = 0
      for (const { gapSamples, packet } of given) {
        meantSamples += gapSamples
        for (; meantSamples - readSamples >= 120; index++) {
          assert.isAtMost(packets[index]!.bytes.length, 2, "a filling")
          readSamples += packets[index]!.durationSamples
        }
        assert.isAtLeast(meantSamples - readSamples, 0)
        assert.deepStrictEqual(packets[index]!.bytes.slice(), packet.bytes)
        index++
        readSamples += packet.durationSamples
        meantSamples += packet.durationSamples
      }
      assert.strictEqual(packets.length, index)
    },
    sized(400)
  )

  it.prop(
    "pages are as RFC 7845 wants them",
    [Recording],
    ([given]) => {
      const file = fileOf(given)
      const pages = pagesOf(file)
      const { packets } = Result.getOrThrow(OggOpusReader.read(file))
      assert.deepStrictEqual(
        pages.map(({ sequenceNumber }) => sequenceNumber),
        [...pages.keys()]
      )
      assert.deepStrictEqual(
        pages.map(({ beginsStream }) => beginsStream),
        [...pages.keys()].map((index) => index === 0)
      )
      assert.deepStrictEqual(
        pages.map(({ endsStream }) => endsStream),
        [...pages.keys()].map((index) => index === pages.length - 1)
      )
      assert.isTrue(pages.every(({ continued, serialNumber }) => !continued && serialNumber === 0xfedcba98))
      assert.deepStrictEqual(
        pages.slice(0, 2).map(({ granulePosition, lacing }) => [granulePosition, lacing.length]),
        [
          [0n, 1],
          [0n, 1]
        ]
      )
      let packetIndex = 0
      let endSamples = 0
      for (const { granulePosition, lacing } of pages.slice(2)) {
        const count = lacing.filter((segmentBytes) => segmentBytes < 255).length
        const pageSamples = samplesOf(packets.slice(packetIndex, packetIndex + count))
        assert.isAtMost(pageSamples, 48_000)
        packetIndex += count
        endSamples += pageSamples
        assert.strictEqual(granulePosition, BigInt(endSamples))
      }
      assert.strictEqual(packetIndex, packets.length)
    },
    sized(400)
  )

  it("a gap goes on as the packet before it; the first one as the packet behind it", () => {
    const mono = { bytes: Uint8Array.of(9 << 3, 1), durationSamples: 960 }
    const stereo = { bytes: Uint8Array.of((31 << 3) | 4, 1), durationSamples: 960 }
    const given = [
      { packet: mono, gapSamples: 960 },
      { packet: stereo, gapSamples: 960 }
    ]
    const { packets } = Result.getOrThrow(OggOpusReader.read(fileOf(given)))
    const filling = Uint8Array.of(9 << 3)
    assert.deepStrictEqual(
      packets.map(({ bytes }) => bytes.slice()),
      [filling, mono.bytes, filling, stereo.bytes]
    )
  })

  it("a recorder that is killed leaves all but the last second", () => {
    const writer = OggOpusWriter.make(options)
    const chunks = [OggOpusWriter.begin(writer)]
    for (const packet of speech.packets) chunks.push(OggOpusWriter.append(writer, packet, 0))
    const { packets } = Result.getOrThrow(OggOpusReader.read(concat(chunks)))
    assert.isAtLeast(packets.length, speech.packets.length - 50)
  })
})
