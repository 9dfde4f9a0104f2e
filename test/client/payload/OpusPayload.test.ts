import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { OpusRtpPayload } from "werift"
import * as OpusPayload from "../../../src/client/payload/OpusPayload.ts"
import { integer, sized, speech } from "../Samples.ts"

/** RFC 6716 table 2 written out: milliseconds of one frame by configuration number. */
const frameMs = [
  [10, 20, 40, 60],
  [10, 20, 40, 60],
  [10, 20, 40, 60],
  [10, 20],
  [10, 20],
  [2.5, 5, 10, 20],
  [2.5, 5, 10, 20],
  [2.5, 5, 10, 20],
  [2.5, 5, 10, 20]
].flat()

describe("OpusPayload", () => {
  it("knows every configuration of RFC 6716", () => {
    for (const [config, ms] of frameMs.entries()) {
      for (const stereo of [0, 4]) {
        const toc = (config << 3) | stereo
        const durations = [[toc], [toc | 1], [toc | 2, 0], [toc | 3, 2]].map(
          (bytes) => Result.getOrThrow(OpusPayload.read(Uint8Array.from(bytes))).durationSamples
        )
        assert.deepStrictEqual(durations, [48 * ms, 96 * ms, 96 * ms, 96 * ms])
      }
    }
  })

  it("refuses what cannot be a packet", () => {
    const celt20Ms = 31 << 3
    const refused = [[], [celt20Ms | 1, 0], [celt20Ms | 2], [celt20Ms | 3], [celt20Ms | 3, 0], [celt20Ms | 3, 7]]
    for (const bytes of refused) {
      assert.isTrue(Result.isFailure(OpusPayload.read(Uint8Array.from(bytes))), bytes.join())
    }
    assert.isTrue(Result.isSuccess(OpusPayload.read(Uint8Array.of(celt20Ms | 3, 6))))
    assert.isTrue(Result.isFailure(OpusPayload.read(new Uint8Array(70_000))))
  })

  it.prop(
    "arbitrary bytes never throw, and last 2.5 to 120 ms if anything",
    [Schema.Uint8Array],
    ([bytes]) => {
      const packet = OpusPayload.read(bytes)
      if (Result.isFailure(packet)) return
      assert.strictEqual(packet.success.bytes, bytes)
      assert.isAtLeast(packet.success.durationSamples, 120)
      assert.isAtMost(packet.success.durationSamples, OpusPayload.packetSamplesMax)
      assert.strictEqual(packet.success.durationSamples % 120, 0)
    },
    sized(100)
  )

  it.prop("shorter configurations keep mode and bandwidth", [integer(0, 31)], ([config]) => {
    const lengths = [config, ...OpusPayload.shorterConfigs(config)].map((other) => frameMs[other]!)
    assert.deepStrictEqual(
      lengths,
      [...lengths].sort((a, b) => b - a)
    )
    const shortest = config < 16 ? 10 : 2.5
    assert.strictEqual(lengths.at(-1), shortest)
  })

  it("another implementation takes a packet as it is", () => {
    for (const { bytes } of speech.packets) {
      assert.deepStrictEqual(new Uint8Array(OpusRtpPayload.deSerialize(Buffer.from(bytes)).payload), bytes.slice())
    }
  })
})
