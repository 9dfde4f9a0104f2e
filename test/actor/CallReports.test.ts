import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as CallActor from "../../src/actor/CallActor.ts"
import { CallReport, CallReports } from "../../src/actor/CallReports.ts"
import { Call } from "../../src/actor/CallRpcs.ts"
import { PlanFeed } from "../../src/actor/PlanFeed.ts"
import { ResidentCalls } from "../../src/actor/ResidentCalls.ts"
import * as CallVersion from "../../src/call/CallVersion.ts"
import { empty } from "../../src/call/CallState.ts"
import { type ForwardingPlan, planOf } from "../../src/call/ForwardingPlan.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"
import { toBits } from "../../src/protocol/QualityExtra.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as WallClock from "../cluster/WallClock.ts"
import { join, participantId, place, resume, stream } from "../call/Commands.ts"

const Cluster = CallActor.layer.pipe(Layer.provideMerge(SingleRunner.layer), Layer.provideMerge(CallStore.layerMemory))
const id = CallId.make("call")
const relays = ["relay-a", "relay-b", "relay-c"].map((name) => RelayId.make(name))

/** Messages travel on timers of the cluster, so virtual time passes. */
const answered = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  yield* TestClock.adjust("100 millis")
  return yield* Fiber.join(fiber)
})

/** What is published for each relay. */
const watchAll = Effect.gen(function* () {
  const feed = yield* PlanFeed
  const seen = new Map<string, Array<ForwardingPlan>>()
  for (const relay of relays) {
    const plans: Array<ForwardingPlan> = []
    seen.set(relay, plans)
    yield* feed.watch(relay).pipe(
      Stream.runForEach(({ plan }) => Effect.sync(() => void plans.push(plan))),
      Effect.forkScoped
    )
  }
  yield* TestClock.adjust("1 millis")
  return seen
})

const reportOf = (
  plan: ForwardingPlan,
  legTags: ReadonlyArray<number>,
  isActive = true,
  estimates = new Uint8Array()
): CallReport => ({
  call: id,
  version: plan.version,
  legTags,
  isActive,
  estimates
})

/** Reports every 200 ms for so long. */
const reporting = Effect.fnUntraced(function* (
  seconds: number,
  reports: () => ReadonlyArray<readonly [relay: RelayId, report: CallReport]>
) {
  const { send } = yield* CallReports
  for (let turn = 0; turn < 5 * seconds; turn++) {
    for (const [relay, report] of reports()) yield* send(relay, [report])
    yield* TestClock.adjust("200 millis")
  }
})

describe("reports of relays", () => {
  it.effect("a relay that has missed a plan is given the newest, once, and nobody else is", () =>
    Effect.gen(function* () {
      const call = (yield* Call.client)(id)
      const first = yield* answered(call.Join(join(1)))
      const { plan } = yield* answered(call.Join(join(2, { relay: place("relay-b") })))
      const seen = yield* watchAll
      yield* (yield* CallReports).send(relays[0]!, [reportOf(first.plan, [])])
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(seen.get("relay-a"), [plan])
      assert.deepStrictEqual(seen.get("relay-b"), [])
      yield* (yield* CallReports).send(relays[0]!, [reportOf(plan, [])])
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(seen.get("relay-a")!.length, 1)
    }).pipe(Effect.scoped, Effect.provide(Cluster))
  )

  it.effect("of many calls leave others their turn between them", () =>
    Effect.gen(function* () {
      const residents = yield* ResidentCalls
      const calls = Array.from({ length: 100 }, (_, index) => CallId.make(`call-${index}`))
      let handled = 0
      for (const call of calls) yield* residents.add(call, () => Effect.sync(() => void handled++))
      const seen: Array<number> = []
      const look = Effect.sync(() => void seen.push(handled))
      yield* Effect.andThen(look, Effect.yieldNow).pipe(
        Effect.forever({ disableYield: true }),
        Effect.forkScoped({ startImmediately: true })
      )
      const plan = planOf(empty)
      while (seen.length < 2) yield* Effect.yieldNow
      yield* (yield* CallReports).send(
        relays[0]!,
        calls.map((call) => ({ ...reportOf(plan, []), call }))
      )
      assert.strictEqual(handled, calls.length)
      const atOnce = [...seen, handled].map((count, at) => count - (seen[at - 1] ?? 0))
      assert.isAtMost(Math.max(...atOnce), 8)
    }).pipe(Effect.scoped, Effect.provide(Cluster))
  )

  it.effect("while it is reported the actor stays; a call at rest wakes none", () =>
    Effect.gen(function* () {
      const call = (yield* Call.client)(id)
      const { plan } = yield* answered(call.Join(join(1)))
      const seen = yield* watchAll
      const active = () => [[relays[0]!, reportOf(seen.get("relay-a")!.at(-1) ?? plan, [join(1).legTag])]] as const
      yield* reporting(60, active)
      assert.deepStrictEqual(seen.get("relay-a"), [], "no new owner has published")
      yield* TestClock.adjust("2 minutes")
      yield* reporting(5, () => [[relays[0]!, reportOf(plan, [], false)]])
      assert.deepStrictEqual(seen.get("relay-a"), [])
      yield* reporting(1, active)
      assert.strictEqual(seen.get("relay-a")!.length, 1, "its epoch is news")
    }).pipe(Effect.scoped, Effect.provide(Cluster))
  )

  it.effect("the actor that comes after one that has died tells who reports an old plan", () =>
    Effect.gen(function* () {
      const call = (yield* Call.client)(id)
      const { plan } = yield* answered(call.Join(join(1)))
      yield* TestClock.adjust("2 minutes")
      const seen = yield* watchAll
      yield* reporting(1, () => [[relays[0]!, reportOf(plan, [join(1).legTag])]])
      const [after] = seen.get("relay-a")!
      assert.isAbove(after!.version.ownerEpoch, plan.version.ownerEpoch)
      const stored = yield* (yield* CallStore.CallStore).load(id)
      assert.isTrue(
        CallVersion.equals(stored.version, after!.version),
        "its epoch is stored before anybody hears of it"
      )
    }).pipe(Effect.scoped, Effect.provide(Cluster))
  )

  it.effect("an actor that was woken by a command that it refused tells who reports an old plan, too", () =>
    Effect.gen(function* () {
      const call = (yield* Call.client)(id)
      yield* answered(call.Join(join(1)))
      const { plan } = yield* answered(call.Join(join(2, { relay: place("relay-b") })))
      yield* TestClock.adjust("2 minutes")
      const seen = yield* watchAll
      const refused = yield* answered(Effect.flip(call.Join(join(3, { streams: join(1).streams }))))
      assert.strictEqual(refused._tag, "SsrcTaken")
      assert.deepStrictEqual(seen.get("relay-a"), [])
      yield* reporting(1, () => [[relays[0]!, reportOf(seen.get("relay-a")!.at(-1) ?? plan, [join(1).legTag])]])
      assert.isAbove(seen.get("relay-a")!.at(-1)!.version.ownerEpoch, plan.version.ownerEpoch)
      assert.deepStrictEqual(seen.get("relay-b"), seen.get("relay-a"))
    }).pipe(Effect.scoped, Effect.provide(Cluster))
  )

  it.effect("a hub of which nothing is heard is replaced, and its participants go after a minute", () =>
    Effect.gen(function* () {
      const call = (yield* Call.client)(id)
      yield* answered(call.Join(join(1)))
      yield* answered(call.Join(join(2, { relay: place("relay-b") })))
      yield* answered(call.Join(join(3, { relay: place("relay-c") })))
      const seen = yield* watchAll
      const newest = {
        plan: (yield* answered(call.Resume(resume(3, { relay: place("relay-c"), epoch: 2 ** 31 })))).plan
      }
      const reports = () => {
        newest.plan = seen.get("relay-b")!.at(-1) ?? newest.plan
        return [
          [relays[1]!, reportOf(newest.plan, [join(2).legTag])],
          [relays[2]!, reportOf(newest.plan, [resume(3).legTag])]
        ] as const
      }
      yield* reporting(2, reports)
      assert.strictEqual(newest.plan.relays[0]!.id, "relay-b")
      assert.strictEqual(newest.plan.participants.length, 3)
      yield* reporting(62, reports)
      assert.deepStrictEqual(
        newest.plan.participants.map(({ id }) => id),
        [2, 3].map(participantId)
      )
    }).pipe(Effect.scoped, Effect.provide(Cluster))
  )

  it.effect("what a busy relay withholds goes to and from nobody there, until it says so no more", () =>
    Effect.gen(function* () {
      const video = (n: number) =>
        new StreamDescription({ ssrc: 100 + n, kind: "video", clockRate: 90_000, codec: "vp8" })
      const call = (yield* Call.client)(id)
      yield* answered(call.Join(join(1, { streams: [stream(1), video(1)] })))
      yield* answered(call.Join(join(2, { streams: [stream(2), video(2)] })))
      const { plan } = yield* answered(call.Join(join(3, { streams: [stream(3), video(3)], relay: place("relay-b") })))
      const seen = yield* watchAll
      const newest = () => seen.get("relay-a")!.at(-1) ?? plan
      const reporting5 = (withheld?: number) =>
        reporting(5, () => [
          [relays[0]!, reportOf(newest(), [join(1).legTag, join(2).legTag])],
          [relays[1]!, { ...reportOf(newest(), [join(3).legTag]), ...(withheld !== undefined && { withheld }) }]
        ])
      const viewers = () =>
        newest()
          .rows.filter(({ ssrc }) => ssrc > 100)
          .map(({ to }) => to.length)
      const hearers = () =>
        newest()
          .rows.filter(({ ssrc }) => ssrc < 100)
          .map(({ to }) => to.length)
      yield* reporting5()
      assert.deepStrictEqual(
        [viewers(), hearers()],
        [
          [2, 2, 2],
          [2, 2, 2]
        ]
      )
      yield* reporting5(toBits(["fec", "duplication", "high-layer", "group-video"]))
      assert.deepStrictEqual(
        [viewers(), hearers()],
        [
          [1, 1, 0],
          [2, 2, 2]
        ]
      )
      yield* reporting5(toBits(["fec", "duplication", "high-layer"]))
      assert.deepStrictEqual(
        [viewers(), hearers()],
        [
          [2, 2, 2],
          [2, 2, 2]
        ]
      )
      assert.strictEqual(seen.get("relay-a")!.length, 3, "each is said once")
    }).pipe(Effect.scoped, Effect.provide(Cluster))
  )

  it.effect("a hub that can do no more is replaced while another relay can", () =>
    Effect.gen(function* () {
      const call = (yield* Call.client)(id)
      yield* answered(call.Join(join(1)))
      yield* answered(call.Join(join(2, { relay: place("relay-b") })))
      const { plan } = yield* answered(call.Join(join(3, { relay: place("relay-c") })))
      const seen = yield* watchAll
      const newest = () => seen.get("relay-a")!.at(-1) ?? plan
      const loads = [0.99, 0.5, 0.5]
      yield* reporting(4, () =>
        relays.map((relay, at) => [relay, { ...reportOf(newest(), [join(at + 1).legTag]), load: loads[at]! }] as const)
      )
      assert.deepStrictEqual(
        newest().relays.map(({ id }) => id),
        [relays[1]!, relays[2]!, relays[0]!]
      )
    }).pipe(Effect.scoped, Effect.provide(Cluster))
  )

  it.effect("a node that is older than a field of a report passes it over", () =>
    Effect.gen(function* () {
      const { load: _load, withheld: _withheld, ...older } = CallReport.fields
      const calm = reportOf(planOf(empty), [1])
      const busy = { ...calm, withheld: 4, load: 0.97 }
      const encoded = yield* Schema.encodeEffect(CallReport)(busy)
      assert.deepStrictEqual(yield* Schema.decodeEffect(CallReport)(encoded), busy)
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(Schema.Struct(older))(encoded), calm)
      assert.deepStrictEqual(Object.keys(yield* Schema.encodeEffect(CallReport)(calm)), Object.keys(calm))
    })
  )

  for (const hours of [1, -1]) {
    it.effect(`a clock that is set by ${hours} h takes nobody out of the call, and wakes or forgets no actor`, () =>
      Effect.gen(function* () {
        const call = (yield* Call.client)(id)
        yield* answered(call.Join(join(1)))
        const { plan } = yield* answered(call.Join(join(2, { relay: place("relay-b") })))
        const seen = yield* watchAll
        const reports = () => [
          [relays[0]!, reportOf(plan, [join(1).legTag])] as const,
          [relays[1]!, reportOf(plan, [join(2).legTag])] as const
        ]
        yield* reporting(2, reports)
        yield* (yield* WallClock.WallClock).jump(hours * 3_600_000)
        yield* reporting(20, reports)
        assert.deepStrictEqual([...seen.values()].flat(), [])
        yield* reporting(62, () => reports().slice(0, 1))
        const remaining = seen
          .get("relay-a")!
          .at(-1)!
          .participants.map(({ id }) => id)
        assert.deepStrictEqual(remaining, [participantId(1)])
      }).pipe(Effect.scoped, Effect.provide(Cluster), WallClock.provide)
    )
  }
})
