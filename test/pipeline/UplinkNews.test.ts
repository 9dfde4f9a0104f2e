import { assert, describe, it } from "@effect/vitest"
import * as UplinkNews from "../../src/pipeline/UplinkNews.ts"

describe("UplinkNews", () => {
  it("tells nothing of a device that has said nothing, what changes by more than 5 %, and the rest every 5 s", () => {
    const news = UplinkNews.make()
    assert.isFalse(UplinkNews.poll(news, NaN, 0))
    assert.isTrue(UplinkNews.poll(news, 1_000_000, 0))
    assert.isFalse(UplinkNews.poll(news, 1_040_000, 200))
    assert.isTrue(UplinkNews.poll(news, 940_000, 400))
    assert.isFalse(UplinkNews.poll(news, 940_000, 5399))
    assert.isTrue(UplinkNews.poll(news, 940_000, 5400))
  })
})
