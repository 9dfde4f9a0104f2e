import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RateLadder from "../../src/call/allocation/RateLadder.ts"
import * as LayerRates from "../../src/call/LayerRates.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import { sourcesOf } from "../../src/protocol/StreamSources.ts"

const Said = Schema.Struct({
  heightPixels: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })),
  maxKbps: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })),
  minKbps: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0xffff })))
})

const sourceOf = (said: ReadonlyArray<typeof Said.Type>) =>
  sourcesOf(
    said.map(
      (said, layer) =>
        new StreamDescription({
          ssrc: layer,
          kind: "video",
          clockRate: 90_000,
          codec: "vp8",
          simulcast: { source: 0, layer, ...said }
        })
    )
  )[0]!

const layered = sourceOf([
  { heightPixels: 180, maxKbps: 150 },
  { heightPixels: 360, maxKbps: 600 },
  { heightPixels: 720, maxKbps: 2500 }
])

describe("LayerRates", () => {
  it.prop(
    "whatever senders say of their layers, each has a range in which there is a rung, and none falls",
    [Schema.Array(Said).check(Schema.isMinLength(1), Schema.isMaxLength(3))],
    ([said]) => {
      const ranges = LayerRates.rangesOf(sourceOf(said))
      assert.strictEqual(ranges.length, said.length)
      ranges.forEach(({ maxBps, minBps }, layer) => {
        assert.isAtMost(RateLadder.lowestFrom(minBps), RateLadder.highestTo(maxBps))
        assert.isAtLeast(minBps, ranges[layer - 1]?.minBps ?? 0)
        assert.isAtLeast(maxBps, ranges[layer - 1]?.maxBps ?? 0)
      })
    }
  )

  it("goes up to what a sender says, down to four tenths, and not below the layer before", () => {
    assert.deepStrictEqual(LayerRates.rangesOf(layered), [
      { minBps: 60_000, maxBps: 150_000 },
      { minBps: 200_000, maxBps: 500_000 },
      { minBps: 1_000_000, maxBps: 2_500_000 }
    ])
    const close = sourceOf([
      { heightPixels: 180, maxKbps: 400 },
      { heightPixels: 360, maxKbps: 500 }
    ])
    assert.deepStrictEqual(LayerRates.rangesOf(close)[1], { minBps: 400_000, maxBps: 500_000 })
  })

  it("a layer that cannot be sent at less is not", () => {
    const [low, high] = LayerRates.rangesOf(
      sourceOf([
        { heightPixels: 180, maxKbps: 160, minKbps: 160 },
        { heightPixels: 360, maxKbps: 536, minKbps: 536 }
      ])
    )
    assert.deepStrictEqual(low, { minBps: 150_000, maxBps: 150_000 })
    assert.deepStrictEqual(high, { minBps: 500_000, maxBps: 500_000 })
  })

  it("a sender that says nothing but heights sends what encoders do", () => {
    const heights = [180, 360, 720].map((heightPixels) => ({ heightPixels, maxKbps: 0 }))
    assert.deepStrictEqual(
      LayerRates.rangesOf(sourceOf(heights)).map(({ maxBps }) => maxBps),
      [200_000, 700_000, 2_500_000]
    )
  })

  it("who shows a picture small has no use for more than the layer of that size", () => {
    const ranges = LayerRates.rangesOf(layered)
    const useful = (heightPixels: number) => LayerRates.usefulBps(layered, ranges, heightPixels)
    assert.deepStrictEqual([0, 90, 180, 181, 360, 720].map(useful), [
      Infinity,
      150_000,
      150_000,
      500_000,
      500_000,
      2_500_000
    ])
    assert.strictEqual(useful(1080), Infinity)
  })
})
