import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { PlanFeed } from "../../src/actor/PlanFeed.ts"
import type { ForwardingPlan } from "../../src/call/ForwardingPlan.ts"
import { PlanVersion } from "../../src/call/PlanVersion.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"
import * as LegPair from "../media/LegPair.ts"
import * as Fleet from "./FleetScene.ts"

/** dBov, as of RFC 6464: syllables are not all alike. */
const speech = (tick: number): number => 25 + (tick % 5)
const quiet = 70

type Spell = readonly [fromTick: number, untilTick: number]

/** Everybody sends all the time, and is loud in these spells. */
const send = (members: ReadonlyArray<Fleet.Member>, seconds: number, spells: (n: number) => ReadonlyArray<Spell>) =>
  Effect.forEach(
    members,
    (member) =>
      Fleet.speak(member, seconds, 0, (tick) =>
        spells(member.n).some(([from, until]) => tick >= from && tick < until) ? speech(tick) : quiet
      ),
    { concurrency: "unbounded", discard: true }
  )

/** What one has heard of another between two ticks. */
const heard = (member: Fleet.Member, other: Fleet.Member, from: number, until: number) =>
  Fleet.heard(member, other).filter((tick) => tick >= from && tick < until)

const relays = ["a", "a", "a", "b", "b", "c", "c"] as const

const group = Effect.gen(function* () {
  for (const relay of new Set(relays)) yield* Fleet.startRelay(relay)
  const members = yield* Effect.forEach(relays, (relay, n) => Fleet.member(n, [relay]))
  yield* Effect.sleep("1 second")
  return members
})

describe("audio of a group on several relays", () => {
  it.effect("four are heard at most, and whoever begins to talk from the first word on", () =>
    Fleet.scene(
      1,
      Effect.gen(function* () {
        const members = yield* group
        // All have been loud once, so that the places are taken by the last four; then one after another talks.
        const turn = (n: number): Spell => [200 + 100 * n, 280 + 100 * n]
        yield* send(members, 20, (n) => [[20 * n, 20 * n + 20], turn(n)])
        yield* Effect.sleep("1 second")
        for (const listener of members) {
          for (const speaker of members) {
            if (speaker === listener) continue
            const [from, until] = turn(speaker.n)
            assert.deepStrictEqual(
              heard(listener, speaker, from, until),
              Array.from({ length: until - from }, (_, i) => from + i),
              `p${listener.n} of p${speaker.n}`
            )
          }
          const perSecond = members.map((speaker) => heard(listener, speaker, 900, 950).length)
          assert.isAtMost(perSecond.filter((count) => count > 0).length, 4)
        }
        const statistics = yield* members[0]!.client.statistics
        assert.deepStrictEqual(
          statistics.received.map(({ packetsMissed }) => packetsMissed).filter((missed) => missed > 0),
          [],
          "what is held back is not missed"
        )
      })
    )
  )

  it.effect("a new owner that has decided nothing yet changes nothing", () =>
    Fleet.scene(
      2,
      Effect.gen(function* () {
        const members = yield* group
        const plans: Array<ForwardingPlan> = []
        const feed = yield* PlanFeed
        const watched = feed.watch(RelayId.make("a"))
        yield* Effect.forkScoped(Stream.runForEach(watched, ({ plan }) => Effect.sync(() => void plans.push(plan))))
        yield* Effect.forkScoped(send(members, 12, (n) => (n < 2 ? [[0, 600]] : [[20 * n, 20 * n + 20]])))
        yield* Effect.sleep("6 seconds")
        const last = plans.at(-1)!
        assert.isAbove(last.version.revision, 0)
        // Everybody gets everything, says this plan.
        const ids = last.participants.map(({ id }) => id)
        const plan = {
          ...last,
          version: new PlanVersion({ ...last.version, ownerEpoch: last.version.ownerEpoch + 1, revision: 0 }),
          rows: last.rows.map((row) => ({ ...row, to: ids.filter((id) => id !== row.from) }))
        }
        const relays = new Set(last.relays.map(({ id }) => id))
        yield* feed.publish({ call: CallId.make("call"), plan }, relays)
        yield* Effect.sleep("6 seconds")
        for (const listener of members) {
          const counts = members.map((speaker) => heard(listener, speaker, 300, 500).length)
          assert.isAtMost(counts.filter((count) => count > 0).length, 4, `p${listener.n}`)
          if (listener.n > 0) assert.strictEqual(counts[0], 200, `p${listener.n} of p0`)
        }
      })
    )
  )

  it.effect("nothing that is decided depends on any payload", () => {
    const decided = (salt: number) =>
      Fleet.scene(
        3,
        Effect.gen(function* () {
          const members = yield* group
          const plans: Array<ForwardingPlan> = []
          const watched = (yield* PlanFeed).watch(RelayId.make("a"))
          yield* Effect.forkScoped(Stream.runForEach(watched, ({ plan }) => Effect.sync(() => void plans.push(plan))))
          const noise = LegPair.dice(salt)
          yield* Effect.forEach(
            members,
            ({ client, n }) =>
              Effect.forEach(
                Array.from({ length: 400 }, (_, tick) => tick),
                (tick) =>
                  client
                    .send(client.streams[0]!, {
                      payload: Uint8Array.from({ length: 80 }, () => noise() * 256),
                      timestamp: tick * 960,
                      marker: false,
                      descriptor: Math.floor(tick / 50) % members.length === n ? speech(tick) : quiet
                    })
                    .pipe(Effect.andThen(Effect.sleep("20 millis"))),
                { discard: true }
              ),
            { concurrency: "unbounded", discard: true }
          )
          return plans.map(({ rows, version }) => ({ version, rows }))
        })
      )
    return Effect.gen(function* () {
      const first = yield* decided(1)
      assert.isAbove(first.length, 3)
      assert.deepStrictEqual(yield* decided(2), first)
    })
  })
})
