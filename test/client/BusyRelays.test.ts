import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import * as CallClient from "../../src/client/CallClient.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import { dice } from "../media/LegPair.ts"
import * as FakeFleet from "./FakeFleet.ts"
import * as FakeRelay from "./FakeRelay.ts"
import { during, linkMs, optionsOf, relayA, relayB, run } from "./Scene.ts"

const relayC = "203.0.113.3"

const busy = (
  { _tag, transactionId }: FakeRelay.Request,
  retryAfterMs: number,
  relays: ReadonlyArray<string> = []
): ControlMessage.Refused => ({
  _tag: "Refused",
  method: _tag === "JoinRequest" ? "Join" : "Resume",
  transactionId,
  error: { code: 503, reason: "too busy for new calls" },
  retryAfterMs,
  relays
})

/** Busy for so many joins, and always for so long. Who is challenged is not refused yet. */
const refuseJoins = (relay: FakeRelay.FakeRelay, times: number, retryAfterMs: number) => {
  let refused = 0
  relay.behaviour.asksForCookie = false
  relay.behaviour.instead = (request) =>
    request._tag === "JoinRequest" && refused++ < times ? busy(request, retryAfterMs) : undefined
}

const askedAtMs = ({ requests }: FakeRelay.FakeRelay, tag: FakeRelay.Request["_tag"] = "JoinRequest") =>
  requests.filter(({ message }) => message._tag === tag).map(({ atMs }) => atMs - linkMs)

const join = (relays: ReadonlyArray<string>, waitWhenBusyMs: number, forMs: number) =>
  during(forMs, Effect.exit(CallClient.join({ ...optionsOf(relays), waitWhenBusyMs })))

const refusedWith = Effect.fnUntraced(function* (exit: Exit.Exit<unknown, { readonly _tag: string }>) {
  assert.isTrue(Exit.isFailure(exit))
  const error = yield* Effect.flip(exit)
  return error instanceof CallClient.JoinRefused ? error : assert.fail(error._tag)
})

describe("a join at busy relays, with patience", () => {
  it.effect("waits as long as the relay has said, and asks it again", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      refuseJoins(relay, 2, 3000)
      const exit = yield* join([relayA], 10_000, 6000 + 6 * linkMs)
      assert.isTrue(Exit.isSuccess(exit))
      const tellMs = 3000 + 2 * linkMs
      assert.deepStrictEqual(askedAtMs(relay), [0, tellMs, 2 * tellMs])
    }).pipe(run(440))
  )

  it.effect("tells the application at once when it would have to wait longer than it has patience", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      refuseJoins(relay, 9, 3000)
      const error = yield* refusedWith(yield* join([relayA], 5000, 3000 + 4 * linkMs))
      assert.strictEqual(error.retryAfterMs, 3000)
      assert.match(error.message, /it is busy; try again in 3 seconds/)
      assert.strictEqual(askedAtMs(relay).length, 2)
    }).pipe(run(441))
  )

  it.effect("asks only those whose time is over, and whom they name", () =>
    Effect.gen(function* () {
      const [a, b, c] = [yield* FakeRelay.make(relayA), yield* FakeRelay.make(relayB), yield* FakeRelay.make(relayC)]
      refuseJoins(a, 9, 8000)
      refuseJoins(b, 1, 1500)
      c.behaviour.asksForCookie = false
      const secondOfB = b.behaviour.instead
      b.behaviour.instead = (request) => secondOfB(request) ?? busy(request, 60_000, [a.address, c.address])
      const exit = yield* join([relayA, relayB], 5000, 1500 + 8 * linkMs)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual([askedAtMs(a).length, askedAtMs(b).length, askedAtMs(c).length], [1, 2, 1])
      assert.isDefined(c.hop)
    }).pipe(run(442))
  )

  it.effect("does not ask a busy one sooner because another is silent", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      refuseJoins(relay, 1, 20_000)
      const exit = yield* join([relayA, relayB], 60_000, 21_000)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(askedAtMs(relay), [0, 20_000 + 2 * linkMs])
    }).pipe(run(443))
  )

  it.effect("gives up a relay that is silent when its time is over", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      relay.behaviour.asksForCookie = false
      relay.behaviour.instead = (request) => (relay.requests.length === 1 ? busy(request, 1000) : "none")
      const error = yield* refusedWith(yield* join([relayA], 100_000, 45_000))
      assert.strictEqual(error.code, 503)
    }).pipe(run(444))
  )

  it.effect("does not believe somebody without the key for how long a relay is busy", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      relay.behaviour.asksForCookie = false
      relay.behaviour.instead = (request) =>
        relay.requests.length === 1
          ? Stun.appendFingerprint(ControlMessage.encode(busy(request, 3_600_000)))
          : undefined
      const exit = yield* join([relayA], 10_000, 3000)
      assert.isTrue(Exit.isSuccess(exit))
    }).pipe(run(445))
  )

  for (const seed of [1, 2, 3, 4]) {
    it.effect(`never asks sooner than was said, nor waits longer than it has patience (${seed})`, () =>
      Effect.gen(function* () {
        const draw = dice(seed)
        const relays = yield* Effect.forEach([relayA, relayB, relayC], (host) => FakeRelay.make(host))
        const freeAtMs = new Map<FakeRelay.FakeRelay, number>()
        let silences = 0
        for (const relay of relays) {
          relay.behaviour.asksForCookie = false
          relay.behaviour.instead = (request) => {
            if (request._tag !== "JoinRequest") return undefined
            const { atMs } = relay.requests.at(-1)!
            assert.isAtLeast(atMs, freeAtMs.get(relay) ?? 0)
            if (draw() < 0.2) {
              silences++
              return "none"
            }
            if (draw() < 0.1) return undefined
            const retryAfterMs = Math.floor(draw() * 3000)
            freeAtMs.set(relay, atMs + retryAfterMs)
            const others = relays.filter((other) => other !== relay && draw() < 0.5)
            return busy(
              request,
              retryAfterMs,
              others.map(({ address }) => address)
            )
          }
        }
        const patienceMs = Math.floor(draw() * 8000)
        const joining = yield* Effect.forkChild(
          Effect.exit(CallClient.join({ ...optionsOf([relayA, relayB]), waitWhenBusyMs: patienceMs }))
        )
        let waitedMs = 0
        for (; joining.pollUnsafe() === undefined; waitedMs += 500) yield* TestClock.adjust(500)
        const answered = relays.flatMap((relay) => askedAtMs(relay))
        assert.isAbove(answered.length, 0)
        // Each transmission that stays without answer takes at most 4 s of the two passes.
        assert.isAtMost(waitedMs, patienceMs + 1000 + 4000 * silences)
      }).pipe(run(450 + seed))
    )
  }

  it.effect("has no less than none, and is a number", () =>
    Effect.gen(function* () {
      for (const waitWhenBusyMs of [-1, NaN]) {
        const exit = yield* Effect.exit(CallClient.join({ ...optionsOf([relayA]), waitWhenBusyMs }))
        assert.isTrue(Exit.hasDies(exit), `${waitWhenBusyMs}`)
      }
    }).pipe(run(446))
  )
})

describe("a call whose relay is lost, and whose backup is busy", () => {
  it.effect("asks it again when its time is over, and not before", () =>
    Effect.gen(function* () {
      const scene = yield* FakeFleet.joined()
      const { first, observed, second, third } = scene
      yield* FakeFleet.speak(scene)
      yield* TestClock.adjust("2 seconds")
      let refused = 0
      second.behaviour.instead = (request) =>
        request._tag === "ResumeRequest" && refused++ < 1 ? busy(request, 5000) : undefined
      first.behaviour.isDead = true
      third.behaviour.isDead = true
      yield* TestClock.adjust("15 seconds")
      const [askedAt, grantedAt, ...more] = askedAtMs(second, "ResumeRequest")
      assert.strictEqual(more.length, 0)
      assert.isAtLeast(grantedAt! - askedAt!, 5000)
      // The others, who are silent, are asked meanwhile.
      assert.isAtMost(grantedAt! - askedAt!, 5000 + 4000)
      assert.strictEqual(observed.connection.at(-1)!._tag, "Resumed")
    }).pipe(run(460))
  )

  it.effect("leaves it alone too when it is a join that was refused", () =>
    Effect.gen(function* () {
      const scene = yield* FakeFleet.joined()
      const { first, observed, second, third } = scene
      yield* FakeFleet.speak(scene)
      yield* TestClock.adjust("2 seconds")
      let refused = 0
      second.behaviour.instead = (request) => {
        if (request._tag === "JoinRequest") return refused++ < 1 ? busy(request, 4000) : undefined
        if (request._tag !== "ResumeRequest") return undefined
        return { ...busy(request, 0), error: { code: 441, reason: "" } }
      }
      first.behaviour.isDead = true
      third.behaviour.isDead = true
      yield* TestClock.adjust("15 seconds")
      const [refusedAtMs, grantedAtMs, ...more] = askedAtMs(second, "JoinRequest")
      assert.strictEqual(more.length, 0)
      const resumes = askedAtMs(second, "ResumeRequest")
      assert.strictEqual(resumes.length, 2)
      for (const atMs of [resumes[1]!, grantedAtMs!]) assert.isAtLeast(atMs - refusedAtMs!, 4000)
      assert.strictEqual(observed.connection.at(-1)!._tag, "Resumed")
    }).pipe(run(461))
  )

  it.effect("is not kept waiting longer than a call lives, whatever it says, and goes on at another", () =>
    Effect.gen(function* () {
      const scene = yield* FakeFleet.joined()
      const { first, observed, second, third } = scene
      yield* FakeFleet.speak(scene)
      yield* TestClock.adjust("2 seconds")
      second.behaviour.instead = (request) =>
        request._tag === "ResumeRequest" ? busy(request, 0xffff_ffff) : undefined
      first.behaviour.isDead = true
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(observed.connection.at(-1)!._tag, "Resumed")
      assert.isDefined(third.hop)
      assert.strictEqual(askedAtMs(second, "ResumeRequest").length, 1)
      second.behaviour.instead = () => undefined
      yield* TestClock.adjust("30 seconds")
      third.behaviour.isDead = true
      yield* TestClock.adjust("5 seconds")
      assert.isDefined(second.hop)
      assert.strictEqual(observed.connection.at(-1)!._tag, "Resumed")
    }).pipe(run(462))
  )
})
