import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Liveness from "../../../src/client/session/Liveness.ts"

/** Polls every 5 ms; `hears` and `sends` say when something was last heard and sent. */
const runUntil = (
  untilMs: number,
  signsAt: (nowMs: number) => { readonly heardAtMs: number; readonly mediaAtMs: number }
) => {
  const liveness = Liveness.make(0)
  const pingsAtMs: Array<number> = []
  const changes: Array<readonly [string, number]> = []
  let lostAtMs = Infinity
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 5) {
    const { heardAtMs, mediaAtMs } = signsAt(nowMs)
    const step = Liveness.poll(liveness, { lastHeardAtMs: heardAtMs, lastMediaAtMs: mediaAtMs, roundTripMs: 40 }, nowMs)
    if (step.ping) pingsAtMs.push(nowMs)
    if (step.change !== undefined) changes.push([step.change, nowMs])
    if (step.isLost) lostAtMs = Math.min(lostAtMs, nowMs)
  }
  return { pingsAtMs, changes, lostAtMs }
}

describe("Liveness", () => {
  it("pings every five seconds while all is well", () => {
    const { changes, pingsAtMs } = runUntil(20_000, (nowMs) => ({ heardAtMs: nowMs, mediaAtMs: -Infinity }))
    assert.deepStrictEqual(pingsAtMs, [5000, 10_000, 15_000, 20_000])
    assert.deepStrictEqual(changes, [])
  })

  it("suspects a silent relay after 300 ms of media, pings it every 150 ms, and gives it up three seconds later", () => {
    const { changes, lostAtMs, pingsAtMs } = runUntil(6000, (nowMs) => ({
      heardAtMs: Math.min(nowMs, 1000),
      mediaAtMs: nowMs
    }))
    assert.deepStrictEqual(changes, [["suspected", 1300]])
    assert.strictEqual(lostAtMs, 4300)
    assert.deepStrictEqual(pingsAtMs.slice(0, 3), [1300, 1450, 1600])
  })

  it("suspects an idle relay that does not answer a ping", () => {
    const { changes } = runUntil(8000, () => ({ heardAtMs: 0, mediaAtMs: -Infinity }))
    assert.deepStrictEqual(changes, [["suspected", 5540]])
  })

  const Start = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4000 }))
  it.prop("gives media that begins a round trip for the first report", [Start], ([startMs]) => {
    const { changes } = runUntil(startMs + 2000, (nowMs) => ({
      heardAtMs: nowMs >= startMs + 335 ? nowMs : 0,
      mediaAtMs: nowMs >= startMs ? nowMs : -Infinity
    }))
    assert.deepStrictEqual(changes, [])
  })

  it("trusts whoever is heard again", () => {
    const { changes, lostAtMs } = runUntil(6000, (nowMs) => ({
      heardAtMs: nowMs > 3000 ? nowMs : Math.min(nowMs, 1000),
      mediaAtMs: nowMs
    }))
    assert.deepStrictEqual(changes, [
      ["suspected", 1300],
      ["recovered", 3005]
    ])
    assert.strictEqual(lostAtMs, Infinity)
  })
})
