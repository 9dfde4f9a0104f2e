import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as ReportLedger from "../../src/actor/ReportLedger.ts"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../src/call/CallState.ts"
import * as CallVersion from "../../src/call/CallVersion.ts"
import * as PlanVersion from "../../src/call/PlanVersion.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"
import { join, place } from "../call/Commands.ts"

const stateAt = (...relays: ReadonlyArray<string>): CallState =>
  relays.reduce(
    (state, name, index) =>
      Result.getOrThrow(CallDecision.join(state, join(index, { relay: place(name) }), index)).state,
    empty
  )

const report = (...legTags: ReadonlyArray<number>) => ({
  call: CallId.make("call"),
  version: PlanVersion.of(CallVersion.none, 0),
  legTags,
  isActive: true,
  estimates: new Uint8Array()
})

const relay = (name: string) => RelayId.make(name)

describe("ReportLedger", () => {
  it("a hub is silent when it has not reported for a second, and others have", () => {
    const state = stateAt("relay-a", "relay-b", "relay-c")
    const ledger = ReportLedger.make()
    const hubAt = (nowMs: number) => {
      ReportLedger.handleReport(ledger, relay("relay-b"), report(), nowMs)
      return ReportLedger.silentHub(ledger, state, nowMs)
    }
    assert.isUndefined(hubAt(0), "what was before is not known")
    for (let nowMs = 200; nowMs < ReportLedger.relaySilentMs; nowMs += 200) assert.isUndefined(hubAt(nowMs))
    assert.strictEqual(hubAt(ReportLedger.relaySilentMs), "relay-a")
    ReportLedger.handleReport(ledger, relay("relay-a"), report(), ReportLedger.relaySilentMs)
    assert.isUndefined(hubAt(ReportLedger.relaySilentMs + 400))
  })

  it.prop(
    "a hub that reports as often as others is never silent, whatever gaps all have, and whoever is first after them",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 })))],
    ([gapsMs]) => {
      const state = stateAt("relay-a", "relay-b", "relay-c")
      const ledger = ReportLedger.make()
      let nowMs = 0
      for (const gapMs of [0, ...gapsMs]) {
        nowMs += gapMs
        for (const [name, afterMs] of [
          ["relay-b", 0],
          ["relay-c", 100],
          ["relay-a", 99]
        ] as const) {
          nowMs += afterMs
          ReportLedger.handleReport(ledger, relay(name), report(), nowMs)
          assert.isUndefined(ReportLedger.silentHub(ledger, state, nowMs))
        }
      }
    }
  )

  it("a hub in whose call nothing happens is not silent, however many others report that", () => {
    const state = stateAt("relay-a", "relay-b", "relay-c")
    const ledger = ReportLedger.make()
    for (let nowMs = 0; nowMs < 10_000; nowMs += 250) {
      ReportLedger.handleReport(ledger, relay(`relay-${nowMs}`), { ...report(), isActive: false }, nowMs)
      assert.isUndefined(ReportLedger.silentHub(ledger, state, nowMs))
    }
    for (let nowMs = 10_000; nowMs <= 11_000; nowMs += 200) {
      ReportLedger.handleReport(ledger, relay("relay-b"), report(), nowMs)
      ReportLedger.handleReport(ledger, relay("relay-c"), { ...report(), isActive: false }, nowMs)
    }
    assert.strictEqual(ReportLedger.silentHub(ledger, state, 11_000), "relay-a", "where there is media, it is")
  })

  it("between two relays nobody is the hub", () => {
    const ledger = ReportLedger.make()
    const state = stateAt("relay-a", "relay-b")
    ReportLedger.silentHub(ledger, state, 0)
    assert.isUndefined(ReportLedger.silentHub(ledger, state, 1e9))
  })

  it("a hub that can do no more for two seconds makes room for a calm relay, and not again for ten", () => {
    const state = stateAt("relay-a", "relay-b", "relay-c")
    const ledger = ReportLedger.make()
    /** The first at which the hub is to be changed, of reports every 200 ms. */
    const changedAfter = (fromMs: number, forMs: number, loads: Readonly<Record<string, number>>) => {
      for (let nowMs = fromMs; nowMs <= fromMs + forMs; nowMs += 200) {
        for (const [name, load] of Object.entries(loads)) {
          ReportLedger.handleReport(ledger, relay(name), { ...report(), load }, nowMs)
        }
        const hub = ReportLedger.hubToChange(ledger, state, nowMs)
        if (hub !== undefined) return [hub, nowMs - fromMs] as const
      }
      return undefined
    }
    const full = { "relay-a": 0.95, "relay-b": 1, "relay-c": 0.74 }
    assert.isUndefined(changedAfter(0, 10_000, { ...full, "relay-c": 0.75 }), "the others are no better")
    assert.isUndefined(changedAfter(11_000, 1800, full), "nor does what was full before a pause count")
    assert.isUndefined(changedAfter(13_000, 10_000, { ...full, "relay-a": 0.94 }))
    assert.deepStrictEqual(changedAfter(23_200, 10_000, full), [relay("relay-a"), 2000])
    assert.deepStrictEqual(changedAfter(25_400, 20_000, full), [relay("relay-a"), 9800])
    const two = stateAt("relay-a", "relay-b")
    ReportLedger.handleReport(ledger, relay("relay-b"), report(), 50_000)
    assert.isUndefined(ReportLedger.hubToChange(ledger, two, 50_000), "between two there is none")
    assert.deepStrictEqual([...ledger.loads.byRelay.keys()], ["relay-a", "relay-b"])
  })

  it.prop(
    "a hub that has not always said that it is full is not changed for it",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 120 })))],
    ([percents]) => {
      const state = stateAt("relay-a", "relay-b", "relay-c")
      const ledger = ReportLedger.make()
      for (const [turn, percent] of percents.entries()) {
        // One of ten at least is below.
        const load = turn % 10 === 0 ? 0.9 : percent / 100
        ReportLedger.handleReport(ledger, relay("relay-a"), { ...report(), load }, turn * 200)
        ReportLedger.handleReport(ledger, relay("relay-b"), report(), turn * 200)
        assert.isUndefined(ReportLedger.hubToChange(ledger, state, turn * 200))
      }
    }
  )

  it("a participant is gone when no relay has served its leg for a minute", () => {
    const state = stateAt("relay-a", "relay-b")
    const ledger = ReportLedger.make()
    assert.deepStrictEqual(ReportLedger.silentLegs(ledger, state, 0), [])
    ReportLedger.handleReport(ledger, relay("relay-a"), report(1000), 30_000)
    assert.deepStrictEqual(ReportLedger.silentLegs(ledger, state, ReportLedger.legSilentMs), [1001])
    assert.deepStrictEqual(ReportLedger.silentLegs(ledger, state, 30_000 + ReportLedger.legSilentMs), [1000, 1001])
  })

  it("remembers nothing of legs that have left", () => {
    const ledger = ReportLedger.make()
    ReportLedger.handleReport(ledger, relay("relay-a"), report(1, 2, 3), 0)
    ReportLedger.silentLegs(ledger, stateAt("relay-a"), 0)
    assert.deepStrictEqual([...ledger.legs.keys()], [1000])
  })
})
