import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isSameStream, StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as StreamSources from "../../src/protocol/StreamSources.ts"

const video = { kind: "video", clockRate: 90_000, codec: "vp8" } as const
const alone = (ssrc: number) => new StreamDescription({ ssrc, ...video })
const layerOf = (ssrc: number, source: number, layer: number) =>
  new StreamDescription({ ssrc, ...video, simulcast: { source, layer, heightPixels: 0, maxKbps: 0 } })

describe("StreamSources", () => {
  it("layers of one source stand together, the lowest first; a stream without layers stands alone", () => {
    const streams = [layerOf(1, 5, 2), alone(2), layerOf(3, 0, 1), layerOf(4, 5, 0), alone(5), layerOf(6, 0, 0)]
    assert.deepStrictEqual(
      StreamSources.sourcesOf(streams).map((source) => source.map(({ ssrc }) => ssrc)),
      [[4, 1], [2], [6, 3], [5]]
    )
  })

  it("streams differ when what they say of their layer differs", () => {
    assert.isTrue(isSameStream(layerOf(1, 2, 1), layerOf(1, 2, 1)))
    assert.isTrue(isSameStream(alone(1), alone(1)))
    for (const other of [alone(1), layerOf(1, 3, 1), layerOf(1, 2, 0), layerOf(2, 2, 1)]) {
      assert.isFalse(isSameStream(layerOf(1, 2, 1), other))
      assert.isFalse(isSameStream(other, layerOf(1, 2, 1)))
    }
  })

  it("what was stored before there were layers is a stream without", () => {
    const stored = { ssrc: 7, ...video }
    assert.deepStrictEqual(Schema.decodeUnknownSync(StreamDescription)(stored), alone(7))
    assert.deepStrictEqual(Schema.encodeSync(StreamDescription)(alone(7)), stored)
  })
})
