import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Liveness from "../../../src/client/session/Liveness.ts"

/** Polls every 5 ms, but while it stands still; `signsAt` says when something was last heard and sent. */
const runUntil = (
  untilMs: number,
  signsAt: (nowMs: number) => { readonly heardAtMs: number; readonly mediaAtMs: number },
  silenceMs = 3300,
  standsStillAt = (_nowMs: number): boolean => false
) => {
  const liveness = Liveness.make(0)
  const pingsAtMs: Array<number> = []
  const changes: Array<readonly [string, number]> = []
  let lostAtMs = Infinity
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 5) {
    if (standsStillAt(nowMs)) continue
    const { heardAtMs, mediaAtMs } = signsAt(nowMs)
    const signs = { lastHeardAtMs: heardAtMs, lastMediaAtMs: mediaAtMs, roundTripMs: 40 }
    const step = Liveness.poll(liveness, signs, silenceMs, nowMs)
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

  it("gives it up at once when no more silence is to be borne, and later the more is", () => {
    const dead = (nowMs: number) => ({ heardAtMs: Math.min(nowMs, 1000), mediaAtMs: nowMs })
    assert.strictEqual(runUntil(6000, dead, 300).lostAtMs, 1300)
    assert.strictEqual(runUntil(6000, dead, 1200).lostAtMs, 2200)
  })

  it("gives it the time for which the path was said to need a proof", () => {
    const liveness = Liveness.make(1000)
    const signs = { lastHeardAtMs: 0, lastMediaAtMs: 0, roundTripMs: 40 }
    Liveness.suspect(liveness, signs, 540, 1000)
    for (let nowMs = 1005; nowMs < 1540; nowMs += 5) assert.isFalse(Liveness.poll(liveness, signs, 300, nowMs).isLost)
    assert.isTrue(Liveness.isSuspect(liveness, signs))
    assert.isTrue(Liveness.poll(liveness, signs, 300, 1540).isLost)
    assert.isFalse(Liveness.isSuspect(liveness, { ...signs, lastHeardAtMs: 1541 }))
  })

  it("tells when it has to be looked at again: not a tick later", () => {
    const liveness = Liveness.make(0)
    const signsAt = (nowMs: number) => ({ lastHeardAtMs: 1000, lastMediaAtMs: nowMs, roundTripMs: 40 })
    for (let nowMs = 0; nowMs < 1300; nowMs += 50) Liveness.poll(liveness, signsAt(nowMs), 600, nowMs)
    const suspectAtMs = Liveness.nextDeadlineMs(liveness, signsAt(1000), 600)
    assert.strictEqual(suspectAtMs, 1300)
    assert.strictEqual(Liveness.poll(liveness, signsAt(suspectAtMs), 600, suspectAtMs).change, "suspected")
    for (let nowMs = 1350; nowMs < 1600; nowMs += 50) Liveness.poll(liveness, signsAt(nowMs), 600, nowMs)
    const lostAtMs = Liveness.nextDeadlineMs(liveness, signsAt(1550), 600)
    assert.strictEqual(lostAtMs, 1600)
    assert.isTrue(Liveness.poll(liveness, signsAt(lostAtMs), 600, lostAtMs).isLost)
  })

  const Pause = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2000 }))
  const Phase = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99 }))

  it.prop("does not suspect a relay while it stands still itself", [Pause, Phase], ([pauseMs, phaseMs]) => {
    const startMs = 2000 + phaseMs
    // When it goes on its timers come first: it has heard nothing then, and reads what has come before the next one.
    const { changes, lostAtMs } = runUntil(
      5000,
      (nowMs) => {
        const readMs = nowMs < startMs + pauseMs || nowMs >= startMs + pauseMs + 5 ? nowMs : startMs
        return { heardAtMs: readMs - (readMs % 100), mediaAtMs: nowMs }
      },
      300,
      (nowMs) => nowMs > startMs && nowMs < startMs + pauseMs
    )
    assert.deepStrictEqual(changes, [])
    assert.strictEqual(lostAtMs, Infinity)
  })

  it.prop("and finds out that it has died meanwhile 300 ms later", [Pause, Phase], ([pauseMs, phaseMs]) => {
    const startMs = 2000 + phaseMs
    const { changes, lostAtMs } = runUntil(
      6000,
      (nowMs) => ({ heardAtMs: Math.min(nowMs, startMs), mediaAtMs: nowMs }),
      600,
      (nowMs) => nowMs > startMs && nowMs < startMs + pauseMs
    )
    assert.deepStrictEqual(
      changes.map(([change]) => change),
      ["suspected"]
    )
    assert.isAtMost(changes[0]![1], startMs + pauseMs + 310)
    assert.isAtMost(lostAtMs, changes[0]![1] + 305)
  })

  it("a standstill after it has become suspect does not count against it either", () => {
    const { changes, lostAtMs } = runUntil(
      6000,
      (nowMs) => ({ heardAtMs: Math.min(nowMs, 1000), mediaAtMs: nowMs }),
      1300,
      (nowMs) => nowMs > 1400 && nowMs < 2400
    )
    assert.deepStrictEqual(changes, [["suspected", 1300]])
    assert.strictEqual(lostAtMs, 3150)
  })

  it("who runs only once a second finds out too", () => {
    const { changes, lostAtMs } = runUntil(
      10_000,
      (nowMs) => ({ heardAtMs: Math.min(nowMs, 2000), mediaAtMs: nowMs }),
      600,
      (nowMs) => nowMs % 1000 !== 0
    )
    assert.deepStrictEqual(changes, [["suspected", 4000]])
    assert.strictEqual(lostAtMs, 6000)
  })

  it("and pings as often as others", () => {
    const { changes, pingsAtMs } = runUntil(
      20_000,
      (nowMs) => ({ heardAtMs: nowMs - (nowMs % 5000) + 40, mediaAtMs: -Infinity }),
      600,
      (nowMs) => nowMs % 1000 !== 0
    )
    assert.deepStrictEqual(pingsAtMs, [5000, 10_000, 15_000, 20_000])
    assert.deepStrictEqual(changes, [])
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
