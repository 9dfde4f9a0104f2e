import { assert, describe, it } from "@effect/vitest"
import * as KeyFrameRequest from "../../src/media/KeyFrameRequest.ts"

/** When the request is asked upstream, polled every 10 ms. */
const asksUntil = (
  request: KeyFrameRequest.KeyFrameRequest,
  fromMs: number,
  untilMs: number
): ReadonlyArray<number> => {
  const asks: Array<number> = []
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 10) if (KeyFrameRequest.poll(request, nowMs)) asks.push(nowMs)
  return asks
}

describe("KeyFrameRequest", () => {
  it("is asked every 500 ms until the key frame comes, of a stream that marks them", () => {
    const request = KeyFrameRequest.make(1)
    KeyFrameRequest.handleKeyFrame(request)
    KeyFrameRequest.handleRequest(request)
    assert.deepStrictEqual(asksUntil(request, 0, 2200), [0, 500, 1000, 1500, 2000])
    KeyFrameRequest.handleKeyFrame(request)
    assert.deepStrictEqual(asksUntil(request, 2200, 5000), [])
    assert.strictEqual(KeyFrameRequest.nextDeadlineMs(request), Infinity)
  })

  it("is dropped after two asks, of a stream that has never marked one", () => {
    const request = KeyFrameRequest.make(1)
    KeyFrameRequest.handleRequest(request)
    assert.deepStrictEqual(asksUntil(request, 0, 5000), [0, 500])
    assert.strictEqual(KeyFrameRequest.nextDeadlineMs(request), Infinity)
  })

  it("asks anew for every new wish, not more often than every 500 ms", () => {
    const request = KeyFrameRequest.make(1)
    KeyFrameRequest.handleRequest(request)
    assert.deepStrictEqual(asksUntil(request, 0, 510), [0, 500])
    KeyFrameRequest.handleRequest(request)
    KeyFrameRequest.handleRequest(request)
    assert.deepStrictEqual(asksUntil(request, 510, 5000), [1000, 1500])
  })

  it("does not count what was lost, and asks again at once", () => {
    const request = KeyFrameRequest.make(1)
    KeyFrameRequest.handleRequest(request)
    assert.deepStrictEqual(asksUntil(request, 0, 100), [0])
    KeyFrameRequest.handleLost(request, 0, true)
    assert.deepStrictEqual(asksUntil(request, 100, 700), [100, 600])
    KeyFrameRequest.handleLost(request, 600, true)
    assert.deepStrictEqual(asksUntil(request, 700, 5000), [700])
  })

  it("not at once when it has been asked again meanwhile; of a stream that marks key frames not at all", () => {
    for (const marks of [false, true]) {
      const request = KeyFrameRequest.make(1)
      if (marks) KeyFrameRequest.handleKeyFrame(request)
      KeyFrameRequest.handleRequest(request)
      assert.deepStrictEqual(asksUntil(request, 0, 550), [0, 500])
      KeyFrameRequest.handleLost(request, 0, true)
      assert.deepStrictEqual(asksUntil(request, 550, 1400), [1000])
      if (marks) KeyFrameRequest.handleKeyFrame(request)
      assert.deepStrictEqual(asksUntil(request, 1400, 5000), [])
    }
  })

  it("takes for lost what may have been, of a stream that has never marked one", () => {
    const request = KeyFrameRequest.make(1)
    KeyFrameRequest.handleRequest(request)
    assert.deepStrictEqual(asksUntil(request, 0, 100), [0])
    KeyFrameRequest.handleLost(request, 0, false)
    assert.deepStrictEqual(asksUntil(request, 100, 110), [100])
    KeyFrameRequest.handleKeyFrame(request)
    KeyFrameRequest.handleRequest(request)
    assert.deepStrictEqual(asksUntil(request, 1000, 1010), [1000])
    KeyFrameRequest.handleLost(request, 1000, false)
    assert.deepStrictEqual(asksUntil(request, 1100, 1600), [1500])
  })

  it.for([
    ["has come", KeyFrameRequest.handleKeyFrame],
    ["is nobody's any more", KeyFrameRequest.forget]
  ] as const)("asks no more for a key frame that %s, whatever was lost", ([, handle]) => {
    const request = KeyFrameRequest.make(1)
    KeyFrameRequest.handleRequest(request)
    assert.isTrue(KeyFrameRequest.poll(request, 0))
    handle(request)
    KeyFrameRequest.handleLost(request, 0, true)
    assert.deepStrictEqual(asksUntil(request, 0, 5000), [])
  })

  it("goes on for ever once a mark has been seen, also for the wish that is pending", () => {
    const request = KeyFrameRequest.make(1)
    KeyFrameRequest.handleKeyFrame(request)
    KeyFrameRequest.handleRequest(request)
    assert.strictEqual(asksUntil(request, 0, 60_000).length, 120)
  })
})
