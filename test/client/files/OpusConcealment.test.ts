import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as OpusConcealment from "../../../src/client/files/OpusConcealment.ts"
import * as OpusPayload from "../../../src/client/payload/OpusPayload.ts"
import { integer } from "../Samples.ts"

const silkWide20Ms = 9 << 3
const silkMedium20Ms = 5 << 3
const celtFull20Ms = 31 << 3
const stereo = 4

const fill = (toc: number, gapMs: number) => OpusConcealment.fill(toc, gapMs * 48)
const bytesOf = (packets: ReadonlyArray<OpusPayload.OpusPacket>) => packets.map(({ bytes }) => [...bytes])

describe("OpusConcealment", () => {
  it("fills 95 ms after SILK as RFC 7845 section 4.1 does: four frames, one of 10 ms, one of CELT", () => {
    const celtWide5Ms = 21 << 3
    assert.deepStrictEqual(bytesOf(fill(silkWide20Ms, 95)), [[silkWide20Ms | 3, 4], [8 << 3], [celtWide5Ms]])
  })

  it("medium band goes on as wide band, since CELT has none", () => {
    assert.deepStrictEqual(bytesOf(fill(silkMedium20Ms, 22.5)), [[silkMedium20Ms], [20 << 3]])
  })

  it("keeps stereo, and puts at most 120 ms into a packet", () => {
    const sixFrames = [celtFull20Ms | stereo | 3, 6]
    assert.deepStrictEqual(bytesOf(fill(celtFull20Ms | stereo | 1, 260)), [
      sixFrames,
      sixFrames,
      [celtFull20Ms | stereo]
    ])
  })

  it.prop(
    "fills any gap but for less than 2.5 ms, whatever the neighbour",
    [integer(0, 255), integer(0, 200_000)],
    ([toc, gapSamples]) => {
      const packets = OpusConcealment.fill(toc, gapSamples)
      let filledSamples = 0
      for (const packet of packets) {
        assert.deepStrictEqual(Result.getOrThrow(OpusPayload.read(packet.bytes)), packet)
        filledSamples += packet.durationSamples
      }
      assert.strictEqual(filledSamples, gapSamples - (gapSamples % OpusConcealment.stepSamples))
      assert.isAtMost(packets.length, 5 + gapSamples / (OpusPayload.packetSamplesMax / 2))
    }
  )
})
