import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Fleet from "./FleetScene.ts"

const all = (seconds: number) => Array.from({ length: seconds * 50 }, (_, tick) => tick)

/** What is not there in time and order: "p1 of p2: 100-104 150". */
const wrong = (members: ReadonlyArray<Fleet.Member>, expected: ReadonlyArray<number>) =>
  members.flatMap((member) =>
    members.flatMap((other) => {
      if (member === other) return []
      const heard = Fleet.heard(member, other).filter((tick) => tick >= expected[0]!)
      const missing = expected.filter((tick) => !heard.includes(tick))
      const isWhole = missing.length === 0 && heard.every((tick, index) => tick === expected[index])
      return isWhole ? [] : [`p${member.n} of p${other.n}: ${missing.join(" ") || "twice or out of order"}`]
    })
  )

/** Everybody has heard everything of everybody else, once and in order. */
const assertAllHeard = (members: ReadonlyArray<Fleet.Member>, expected: ReadonlyArray<number>) =>
  assert.deepStrictEqual(wrong(members, expected), [])

const gaps = (members: ReadonlyArray<Fleet.Member>) =>
  members.flatMap((member) =>
    members.filter((other) => other !== member).map((other) => Fleet.longestGapMs(member, other))
  )

describe("one call on many relays", () => {
  for (const [name, loss] of [
    ["hear everything of each other", 0],
    ["hear everything through 5 % loss on every hop", 0.05]
  ] as const) {
    for (const relays of [
      ["a", "b"],
      ["a", "b", "c", "d"],
      ["a", "a", "b", "c", "c"]
    ] as const) {
      it.effect(`participants on ${relays.join(", ")} ${name}`, () =>
        Fleet.scene(
          1,
          Effect.gen(function* () {
            for (const relay of new Set(relays)) yield* Fleet.startRelay(relay)
            const members = yield* Effect.forEach(relays, (relay, n) => Fleet.member(n, [relay]))
            yield* Effect.sleep("1 second")
            if (loss > 0) yield* Fleet.setAllLinks({ lossRatio: loss, jitterMs: 3 })
            yield* Fleet.talk(members, 2)
            yield* Fleet.setAllLinks({})
            yield* Effect.sleep("1 second")
            assertAllHeard(members, all(2))
          })
        )
      )
    }
  }

  it.effect("calls with the same SSRCs on one trunk do not hear each other", () =>
    Fleet.scene(
      2,
      Effect.gen(function* () {
        for (const relay of ["a", "b"] as const) yield* Fleet.startRelay(relay)
        const first = [yield* Fleet.member(1, ["a"], "first"), yield* Fleet.member(2, ["b"], "first")]
        // The same dice give the same streams.
        const second = [yield* Fleet.member(1, ["b"], "second", 3), yield* Fleet.member(2, ["a"], "second", 4)]
        yield* Effect.sleep("1 second")
        yield* Effect.all([Fleet.talk(first, 1), Fleet.talk(second, 1)], { concurrency: 2 })
        yield* Effect.sleep("1 second")
        assertAllHeard(first, all(1))
        assertAllHeard(second, all(1))
        for (const { received } of [...first, ...second]) assert.strictEqual(received.length, 50)
      })
    )
  )
})

describe("a relay dies", () => {
  for (const relays of [
    ["a", "b"],
    ["a", "b", "c", "d"]
  ] as const) {
    for (const victim of new Set([relays[0], relays[1]])) {
      for (const actors of ["answer", "are away", "are lost"] as const) {
        it.effect(`${victim} of ${relays.join(", ")} while the actors ${actors}: the call goes on`, () =>
          Fleet.scene(
            3,
            Effect.gen(function* () {
              const running = yield* Effect.forEach([...relays, "e"] as const, (name) => Fleet.startRelay(name))
              const members = yield* Effect.forEach(relays, (relay, n) => Fleet.member(n, [relay]))
              yield* Effect.sleep("6 seconds")
              const talking = yield* Effect.forkChild(Fleet.talk(members, 6))
              yield* Effect.sleep("2 seconds")
              yield* Fleet.holdActors(actors !== "answer")
              if (actors === "are lost") yield* Fleet.loseActors
              yield* running.find(({ name }) => name === victim)!.kill
              yield* Effect.sleep("3 seconds")
              yield* Fleet.holdActors(false)
              yield* Fiber.join(talking)
              yield* Effect.sleep("1 second")
              assert.isAtMost(Math.max(...gaps(members)), 500)
              assertAllHeard(members, all(6).slice(-150))
              // What a device has said into the silence comes by its new relay.
              const moved = members.filter((_, n) => relays[n] === victim)
              const isOfMoved = (text: string) => moved.some(({ n }) => text.includes(`of p${n}:`))
              assert.deepStrictEqual(wrong(members, all(6)).filter(isOfMoved), [])
            })
          )
        )
      }
    }
  }
})

describe("a relay is stopped", () => {
  it.effect("its devices go to another one, and nothing is lost", () =>
    Fleet.scene(
      4,
      Effect.gen(function* () {
        const [a] = yield* Effect.forEach(["a", "b", "c"] as const, (name) => Fleet.startRelay(name))
        const members = [yield* Fleet.member(1, ["a"]), yield* Fleet.member(2, ["b"])]
        yield* Effect.sleep("6 seconds")
        const talking = yield* Effect.forkChild(Fleet.talk(members, 4))
        yield* Effect.sleep("2 seconds")
        yield* a!.stop
        yield* Fiber.join(talking)
        yield* Effect.sleep("1 second")
        assert.isAtMost(Math.max(...gaps(members)), 60)
        assertAllHeard(members, all(4))
      })
    )
  )
})
