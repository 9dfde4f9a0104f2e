import { assert, describe, it } from "@effect/vitest"
import * as BoundedMap from "../../src/pipeline/BoundedMap.ts"
import * as AnswerCache from "../../src/pipeline/AnswerCache.ts"

const answer = Uint8Array.of(1)

describe("AnswerCache", () => {
  it("knows what is under way, and gives the answer when there is one", () => {
    const cache = AnswerCache.make(100)
    assert.isTrue(AnswerCache.begin(cache, "a", 100))
    assert.isFalse(AnswerCache.begin(cache, "a", 101))
    assert.isUndefined(AnswerCache.find(cache, "a"))
    AnswerCache.finish(cache, "a", answer, 101)
    AnswerCache.forget(cache, "a")
    assert.deepStrictEqual(AnswerCache.find(cache, "a"), answer)
    AnswerCache.begin(cache, "b", 101)
    AnswerCache.forget(cache, "b")
    assert.isTrue(AnswerCache.begin(cache, "b", 102))
  })

  it("forgets the oldest when it is full, and says since when it knows all", () => {
    const cache = AnswerCache.make(100)
    for (let n = 0; n < AnswerCache.answersMax; n++) AnswerCache.finish(cache, `${n}`, answer, 200 + n)
    assert.strictEqual(cache.completeSinceSeconds, 100)
    AnswerCache.finish(cache, "5", answer, 9000)
    assert.strictEqual(cache.completeSinceSeconds, 100, "nothing had to go")
    AnswerCache.finish(cache, "one more", answer, 9001)
    assert.isUndefined(AnswerCache.find(cache, "0"))
    assert.deepStrictEqual(AnswerCache.find(cache, "1"), answer)
    assert.strictEqual(cache.completeSinceSeconds, 201, "what was answered at 200 is not known any more")
    assert.strictEqual(BoundedMap.sizeOf(cache.answers), AnswerCache.answersMax)
  })

  it("a request is taken for no other: every bit of its transaction and of its address counts", () => {
    const transactionId = Uint8Array.from({ length: 12 }, (_, at) => 21 * at)
    const address = Uint32Array.of(3478, 0, 0, 0xffff, 0xcb007107)
    const keys = new Set([AnswerCache.keyOf(transactionId, address)])
    for (let bit = 0; bit < 96; bit++) {
      const other = transactionId.slice()
      other[bit >> 3]! ^= 1 << (bit & 7)
      keys.add(AnswerCache.keyOf(other, address))
    }
    for (const [word, bits] of [16, 32, 32, 32, 32].entries()) {
      for (let bit = 0; bit < bits; bit++) {
        const other = address.slice()
        other[word]! ^= 1 << bit
        keys.add(AnswerCache.keyOf(transactionId, other))
      }
    }
    assert.strictEqual(keys.size, 1 + 96 + 16 + 4 * 32)
  })
})
