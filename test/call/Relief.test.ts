import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { empty } from "../../src/call/CallState.ts"
import * as Relief from "../../src/call/Relief.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import * as QualityExtra from "../../src/protocol/QualityExtra.ts"
import { join, place } from "./Commands.ts"

const [a, b, c] = ["relay-a", "relay-b", "relay-c"].map((name) => RelayId.make(name)) as [RelayId, RelayId, RelayId]
const state = ["relay-a", "relay-b"].reduce(
  (state, name, n) => Result.getOrThrow(CallDecision.join(state, join(n, { relay: place(name) }), n)).state,
  empty
)
const bits = QualityExtra.toBits(["fec", "high-layer"])

describe("Relief", () => {
  it("the last report of each relay counts, and one that says nothing takes all back", () => {
    const relief = Relief.make()
    assert.isFalse(Relief.handleReport(relief, a, undefined, 0))
    assert.isTrue(Relief.handleReport(relief, a, bits, 0))
    assert.isFalse(Relief.handleReport(relief, a, bits, 200), "it is no news again")
    assert.isTrue(Relief.handleReport(relief, b, QualityExtra.toBits(["fec"]), 200))
    assert.deepStrictEqual(
      Relief.withheld(relief, state, 200),
      new Map([
        [a, new Set<QualityExtra.QualityExtra>(["fec", "high-layer"])],
        [b, new Set<QualityExtra.QualityExtra>(["fec"])]
      ])
    )
    assert.isTrue(Relief.handleReport(relief, a, undefined, 400))
    assert.isFalse(Relief.handleReport(relief, a, 0, 600))
    assert.deepStrictEqual([...Relief.withheld(relief, state, 600).keys()], [b])
  })

  it("forgets what is not repeated, and relays that have nobody in the call", () => {
    const relief = Relief.make()
    Relief.handleReport(relief, a, bits, 0)
    Relief.handleReport(relief, b, bits, 10_000)
    Relief.handleReport(relief, c, bits, 10_000)
    assert.deepStrictEqual([...Relief.withheld(relief, state, 10_000).keys()], [a, b])
    assert.deepStrictEqual([...Relief.withheld(relief, state, Relief.forgottenAfterMs).keys()], [b])
    assert.isTrue(Relief.handleReport(relief, a, bits, Relief.forgottenAfterMs))
  })

  it("what is not known here is withheld without consequence", () => {
    const relief = Relief.make()
    assert.isTrue(Relief.handleReport(relief, a, 1 << 20, 0))
    assert.strictEqual(Relief.withheld(relief, state, 0).get(a)!.size, 0)
  })
})
