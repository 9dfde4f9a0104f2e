import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Result, Schema } from "effect"
import { ShardingConfig } from "effect/cluster"
import { TestClock } from "effect/testing"
import { CallReport } from "../../src/actor/CallReports.ts"
import * as Checkpoints from "../../src/actor/Checkpoints.ts"
import * as LegEstimates from "../../src/actor/LegEstimates.ts"
import * as PlanFeed from "../../src/actor/PlanFeed.ts"
import { ResidentCalls } from "../../src/actor/ResidentCalls.ts"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { empty } from "../../src/call/CallState.ts"
import * as LegEstimate from "../../src/call/LegEstimate.ts"
import type { ForwardingPlan } from "../../src/call/ForwardingPlan.ts"
import * as PlanVersion from "../../src/call/PlanVersion.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import { join, participantId } from "../call/Commands.ts"
import { makeFailing, startActor } from "./Stores.ts"

const Ratio = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Estimate = Schema.Struct({
  legTag: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })),
  uplinkBps: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e9 })),
  downlinkBps: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e9 })),
  uplinkLossRatio: Ratio,
  downlinkLossRatio: Ratio,
  roundTripMs: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 3000 }))
})

const encodeReport = Schema.encodeSync(Schema.toCodecJson(CallReport))

const estimate = (legTag: number, downlinkBps = 640_000): LegEstimate.LegEstimate => ({
  legTag,
  uplinkBps: 320_000,
  downlinkBps,
  uplinkLossRatio: 0.2,
  downlinkLossRatio: 0,
  roundTripMs: 40
})
const bytesOf = (...tags: ReadonlyArray<number>) => LegEstimate.encode(tags.map((tag) => estimate(tag)))
const state = [1, 2].reduce((state, n) => Result.getOrThrow(CallDecision.join(state, join(n), n)).state, empty)
const [first, second] = state.participants.map(({ legTag }) => legTag) as [number, number]
const knownTags = (estimates: LegEstimates.LegEstimates, nowMs: number) => [
  ...LegEstimates.known(estimates, state, nowMs).keys()
]

describe("LegEstimate", () => {
  it.prop("is read as it was written, but for what twelve bytes cannot say", [Schema.Array(Estimate)], ([all]) => {
    const decoded = Result.getOrThrow(LegEstimate.decode(LegEstimate.encode(all)))
    assert.strictEqual(decoded.length, Math.min(LegEstimate.entriesMax, all.length))
    decoded.forEach((read, i) => {
      const written = all[i]!
      assert.strictEqual(read.legTag, written.legTag)
      for (const rate of ["uplinkBps", "downlinkBps"] as const) {
        assert.isTrue(read[rate] <= written[rate] && read[rate] >= written[rate] * (1 - 1 / 1024), rate)
      }
      for (const loss of ["uplinkLossRatio", "downlinkLossRatio"] as const) {
        assert.closeTo(read[loss], written[loss], 1 / 510)
      }
      assert.closeTo(read.roundTripMs, written.roundTripMs, 0.5)
    })
  })

  it.prop("arbitrary bytes are refused or are estimates, and never throw", [Schema.Uint8Array], ([bytes]) => {
    const isWhole = bytes.length % LegEstimate.entryBytes === 0
    assert.strictEqual(Result.isSuccess(LegEstimate.decode(bytes)), isWhole)
    const estimates = LegEstimates.make()
    LegEstimates.handleReport(estimates, bytes, 0)
    LegEstimates.restore(estimates, bytes, 0, 0)
  })

  it("of 50 legs has 600 bytes, 800 in a report, and of too many is refused", () => {
    const tags = Array.from({ length: LegEstimate.entriesMax + 1 }, (_, tag) => tag)
    assert.strictEqual(bytesOf(...tags.slice(0, 50)).length, 600)
    const version = PlanVersion.of(state.version, 0)
    const jsonBytes = (estimates: Uint8Array) =>
      JSON.stringify(
        encodeReport({
          call: CallId.make("weekly-meeting"),
          version,
          legTags,
          isActive: true,
          estimates
        })
      ).length
    const legTags = tags.slice(0, 50).map((tag) => 0xf0000000 + tag)
    assert.isBelow(jsonBytes(nothing), 700)
    assert.isBelow(jsonBytes(bytesOf(...legTags)), 1500)
    const oneMore = new Uint8Array(tags.length * LegEstimate.entryBytes)
    assert.isTrue(Result.isFailure(LegEstimate.decode(oneMore)))
  })
})

describe("what an actor knows of legs", () => {
  it("is the newest of those who are there, for 30 s, and bounded", () => {
    const estimates = LegEstimates.make()
    LegEstimates.handleReport(estimates, bytesOf(first, 7), 0)
    LegEstimates.handleReport(estimates, LegEstimate.encode([estimate(first, 64_000)]), 10_000)
    LegEstimates.handleReport(estimates, bytesOf(second), 20_000)
    assert.deepStrictEqual(knownTags(estimates, 20_000), [first, second])
    assert.strictEqual(estimates.byTag.get(first)!.estimate.downlinkBps, 64_000)
    assert.deepStrictEqual(knownTags(estimates, 40_000), [second])
    for (let tag = 0; tag < 1000; tag++) LegEstimates.handleReport(estimates, bytesOf(tag), tag)
    assert.strictEqual(estimates.byTag.size, LegEstimate.entriesMax)
    assert.isTrue(estimates.byTag.has(999))
  })

  it("is found again in a checkpoint that is not old, where nothing newer is known", () => {
    const before = LegEstimates.make()
    LegEstimates.handleReport(before, bytesOf(first, second), 0)
    const checkpoint = LegEstimates.toCheckpoint(before, 1000, 0)
    assert.isFalse(before.isChanged)
    const after = LegEstimates.make()
    // The next owner's steady clock stands at 65 s when the clock on the wall is at 5.
    LegEstimates.handleReport(after, LegEstimate.encode([estimate(first, 64_000)]), 65_000)
    LegEstimates.restore(after, checkpoint, 5000, 65_000)
    assert.deepStrictEqual(knownTags(after, 65_000), [first, second])
    assert.strictEqual(after.byTag.get(first)!.estimate.downlinkBps, 64_000)
    assert.deepStrictEqual(knownTags(after, 91_000), [first])
    for (const [bytes, unixMs] of [
      [checkpoint, 31_000],
      [checkpoint, -30_000],
      [checkpoint.subarray(0, 7), 1000],
      [new Uint8Array(20).fill(255), 1000]
    ] as const) {
      const none = LegEstimates.make()
      LegEstimates.restore(none, bytes, unixMs, 0)
      assert.strictEqual(none.byTag.size, 0)
    }
  })
})

describe("a checkpoint of estimates", () => {
  it.prop(
    "makes none of them newer than it is, or older by more than two repeats",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 29_999 }))),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 29_999 }))
    ],
    ([agesMs, laterMs]) => {
      const before = LegEstimates.make()
      agesMs.forEach((ageMs, tag) => LegEstimates.handleReport(before, bytesOf(tag), 30_000 - ageMs))
      const checkpoint = LegEstimates.toCheckpoint(before, 1_000_000, 30_000)
      const after = LegEstimates.make()
      LegEstimates.restore(after, checkpoint, 1_000_000 + laterMs, 5_000_000)
      for (const [tag, { atMs }] of after.byTag) {
        const ageMs = agesMs[tag]! + laterMs
        assert.isAtLeast(5_000_000 - atMs, ageMs)
        assert.isAtMost(5_000_000 - atMs, ageMs + 10_000)
      }
      const expected = agesMs.filter((ageMs) => ageMs < 10_000).length
      if (laterMs < 20_000) assert.strictEqual(after.byTag.size, Math.min(expected, LegEstimate.entriesMax))
    }
  )
})

const TestServices = Layer.mergeAll(
  CallStore.layerMemory,
  PlanFeed.layerMemory,
  ResidentCalls.layer,
  ShardingConfig.layer()
)
const id = CallId.make("call")
const nothing = new Uint8Array()
const settle = TestClock.adjust("1 millis")
const reportOf = ({ version }: ForwardingPlan, ...tags: ReadonlyArray<number>) => ({
  relay: RelayId.make("relay-a"),
  report: {
    call: id,
    version,
    legTags: tags,
    isActive: true,
    estimates: bytesOf(...tags)
  }
})

describe("checkpoints of an actor", () => {
  it.effect("are written while something is new, every 5 s at most, and read by the next owner", () =>
    Effect.gen(function* () {
      const memory = yield* CallStore.CallStore
      const written: Array<Uint8Array> = []
      const store = {
        ...memory,
        checkpoint: (call: CallId, bytes: Uint8Array) => (written.push(bytes), memory.checkpoint(call, bytes))
      }
      const actor = yield* startActor(store, id)
      const { plan } = yield* actor.Join(join(1))
      for (let turn = 0; turn < 60; turn++) {
        yield* actor.Report(reportOf(plan, join(1).legTag))
        yield* TestClock.adjust("200 millis")
      }
      yield* TestClock.adjust(Checkpoints.everyMs)
      assert.strictEqual(written.length, 3)
      const [own] = yield* actor.Estimates()
      assert.deepInclude(own, { participant: participantId(1), relay: RelayId.make("relay-a"), roundTripMs: 40 })

      const next = yield* startActor(memory, id)
      const joined = yield* next.Join(join(2))
      assert.deepStrictEqual(yield* next.Estimates(), [])
      yield* TestClock.adjust("1 seconds")
      const [restored] = yield* next.Estimates()
      assert.deepInclude(restored, { participant: participantId(1), uplinkBps: 320_000 })
      assert.isAtLeast(restored!.ageMs, Checkpoints.everyMs)
      yield* next.Report(reportOf(joined.plan, join(2).legTag))
      assert.strictEqual((yield* next.Estimates()).length, 2)
    }).pipe(Effect.provide(TestServices), Effect.scoped)
  )

  it.effect("are not written over by the next owner before it has read them, which a report has made one", () =>
    Effect.gen(function* () {
      const memory = yield* CallStore.CallStore
      const actor = yield* startActor(memory, id)
      yield* actor.Join(join(1))
      const { plan } = yield* actor.Join(join(2))
      yield* actor.Report(reportOf(plan, join(1).legTag))
      yield* actor.Report(reportOf(plan, join(2).legTag))
      yield* TestClock.adjust(Checkpoints.everyMs)
      yield* actor.Report(reportOf(plan, join(1).legTag, join(2).legTag))
      yield* settle

      const next = yield* startActor(memory, id)
      for (let turn = 0; turn < 10; turn++) {
        yield* next.Report(reportOf(plan, join(1).legTag))
        yield* TestClock.adjust("200 millis")
      }
      const known = (yield* next.Estimates()).map(({ participant }) => participant)
      assert.deepStrictEqual(known, [participantId(1), participantId(2)])
    }).pipe(Effect.provide(TestServices), Effect.scoped)
  )

  it.effect("are missed by nobody when the store fails or hangs", () =>
    Effect.gen(function* () {
      const memory = yield* CallStore.CallStore
      const asked = { checkpoint: 0, loadCheckpoint: 0 }
      const failing = makeFailing(memory)
      const hanging = {
        ...failing,
        checkpoint: () =>
          Effect.andThen(
            Effect.sync(() => asked.checkpoint++),
            Effect.never
          ),
        loadCheckpoint: () =>
          Effect.andThen(
            Effect.sync(() => asked.loadCheckpoint++),
            Effect.never
          )
      }
      for (const store of [failing, hanging]) {
        const actor = yield* startActor(store, id)
        const { plan } = yield* actor.Join(join(store === failing ? 1 : 2))
        // Until a read that hangs has been given up.
        yield* TestClock.adjust("6 seconds")
        failing.isAway = store === failing
        for (let turn = 0; turn < 60; turn++) {
          yield* actor.Report(reportOf(plan, join(1).legTag))
          yield* TestClock.adjust("200 millis")
        }
        failing.isAway = false
        assert.strictEqual((yield* actor.Estimates()).length, 1)
        yield* actor.Join(join(store === failing ? 3 : 4))
        yield* settle
      }
      assert.deepStrictEqual(asked, { checkpoint: 3, loadCheckpoint: 1 })
      assert.deepStrictEqual(yield* memory.loadCheckpoint(id), Option.none())
    }).pipe(Effect.provide(TestServices), Effect.scoped)
  )
})
