import { assert, describe, it } from "@effect/vitest"
import * as EmptyPath from "../../../src/media/bandwidth/EmptyPath.ts"

describe("EmptyPath", () => {
  it("knows a queue by what the round trip was without it", () => {
    const path = EmptyPath.make()
    EmptyPath.handleRoundTrip(path, 80, 0)
    assert.isTrue(EmptyPath.isEmpty(path, 100))
    assert.isFalse(EmptyPath.isEmpty(path, 120))
  })

  it("takes a path that has become longer for what it is, after twenty seconds at most", () => {
    const path = EmptyPath.make()
    EmptyPath.handleRoundTrip(path, 40, 0)
    let sinceMs = 0
    for (let nowMs = 100; nowMs <= 25_000; nowMs += 100) {
      EmptyPath.handleRoundTrip(path, 200, nowMs)
      if (!EmptyPath.isEmpty(path, 200)) sinceMs = nowMs
    }
    assert.isAtLeast(sinceMs, 9000)
    assert.isAtMost(sinceMs, 20_000)
  })
})
