import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import * as BusyRelays from "../../../src/client/session/BusyRelays.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"

const relays = [1, 2, 3, 4].map((host) => Result.getOrThrow(PackedAddress.parse(`203.0.113.${host}:3478`)))
const upTo = (maximum: number) => Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum })))
const Refusal = Arbitrary.all({ relay: upTo(relays.length - 1), retryAfterMs: upTo(5000), passMs: upTo(2000) })

describe("BusyRelays", () => {
  it.prop(
    "each is left alone until its newest time is over, and taken once, the first to be free first",
    [Arbitrary.array(Refusal)],
    ([refusals]) => {
      const self = BusyRelays.make()
      const untilMs = new Map<number, number>()
      let nowMs = 0
      for (const { passMs, relay, retryAfterMs } of refusals) {
        nowMs += passMs
        const free = [...untilMs].filter(([, ms]) => ms <= nowMs)
        assert.strictEqual(BusyRelays.nextFreeAtMs(self), Math.min(...untilMs.values()))
        relays.forEach((each, index) => {
          assert.strictEqual(BusyRelays.isBusy(self, each, nowMs), (untilMs.get(index) ?? 0) > nowMs)
        })
        const taken = BusyRelays.takeFree(self, nowMs).map((each) => relays.indexOf(each))
        const byTime = (a: number, b: number) => untilMs.get(a)! - untilMs.get(b)!
        assert.sameMembers(
          taken,
          free.map(([index]) => index)
        )
        assert.deepStrictEqual(taken, taken.toSorted(byTime))
        for (const index of taken) untilMs.delete(index)
        BusyRelays.handleRefusal(self, relays[relay]!, retryAfterMs, nowMs)
        untilMs.set(relay, nowMs + Math.max(BusyRelays.retryAfterMsMin, retryAfterMs))
      }
    }
  )

  it("one that does not say for how long is left alone for a while", () => {
    const self = BusyRelays.make()
    assert.strictEqual(BusyRelays.nextFreeAtMs(self), Infinity)
    BusyRelays.handleRefusal(self, relays[0]!, undefined, 500)
    assert.strictEqual(BusyRelays.nextFreeAtMs(self), 500 + BusyRelays.retryAfterMsMin)
  })
})
