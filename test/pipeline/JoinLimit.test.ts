import { assert, describe, it } from "@effect/vitest"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import * as BoundedMap from "../../src/pipeline/BoundedMap.ts"
import * as JoinLimit from "../../src/pipeline/JoinLimit.ts"
import type { TokenClaims } from "../../src/protocol/TokenClaims.ts"

const claimsOf = (call: string, participant: string): TokenClaims => ({
  keyId: "k1",
  callClass: "group-audio",
  call: CallId.make(call),
  participant: ParticipantId.make(participant),
  expiresAtSeconds: 1
})
const ada = claimsOf("call", "ada")
const from = (w3: number) => Uint32Array.of(5000, 0, 0, 0xffff, w3)

describe("JoinLimit", () => {
  it("admits ten at once, then one a second, and says how long to wait", () => {
    const limit = JoinLimit.make()
    const waits = (nowMs: number, count: number) =>
      Array.from({ length: count }, () => JoinLimit.waitMs(limit, ada, nowMs))
    assert.deepStrictEqual(waits(0, 12), [...new Array<number>(10).fill(0), 1000, 1000])
    assert.deepStrictEqual(waits(400, 1), [600])
    assert.deepStrictEqual(waits(1000, 2), [0, 1000])
    assert.deepStrictEqual(waits(100_000, 11), [...new Array<number>(10).fill(0), 1000])
  })

  it("counts each participant alone, whatever the ids", () => {
    const limit = JoinLimit.make()
    for (let n = 0; n < 11; n++) JoinLimit.waitMs(limit, ada, 0)
    for (const other of [claimsOf("call", "lin"), claimsOf("calla", "da"), claimsOf("other", "ada")]) {
      assert.strictEqual(JoinLimit.waitMs(limit, other, 0), 0)
    }
    assert.isAbove(JoinLimit.waitMs(limit, ada, 0), 0)
  })

  it("remembers a bounded number of participants, the latest", () => {
    const limit = JoinLimit.make()
    for (let n = 0; n < 20_000; n++) {
      JoinLimit.waitMs(limit, claimsOf("call", `p${n}`), n)
      if (n % 1000 === 0) for (let i = 0; i < 11; i++) JoinLimit.waitMs(limit, ada, n)
    }
    assert.strictEqual(BoundedMap.sizeOf(limit.buckets), 16_384)
    assert.isAbove(JoinLimit.waitMs(limit, ada, 19_500), 0)
  })

  it("gives one network half of the places, and takes them back", () => {
    const limit = JoinLimit.make()
    const [near, far] = [from(0x0a000001), from(0x0a000101)]
    for (let n = 0; n < JoinLimit.underWayMax; n++) assert.isTrue(JoinLimit.enter(limit, from(0x0a000000 + n)))
    assert.isFalse(JoinLimit.enter(limit, near))
    assert.isTrue(JoinLimit.enter(limit, far))
    JoinLimit.leave(limit, near)
    assert.isTrue(JoinLimit.enter(limit, near))
    for (let n = 0; n < JoinLimit.underWayMax; n++) JoinLimit.leave(limit, near)
    JoinLimit.leave(limit, far)
    assert.strictEqual(limit.underWay.size, 0)
  })
})
