import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { QualityExtra } from "../../src/protocol/QualityExtra.ts"
import * as GiveUpOrder from "../../src/throttle/GiveUpOrder.ts"
import * as Load from "../../src/throttle/Load.ts"
import * as LoadShedding from "../../src/throttle/LoadShedding.ts"
import * as OfferedCalls from "../../src/throttle/OfferedCalls.ts"
import { Priority, rankOf } from "../../src/throttle/Priority.ts"

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const share = between(0, 1.3)
const waitMs = between(0, 200)

/** Figures that are not there are NaN. */
const load = Arbitrary.map(
  Arbitrary.schema(
    Schema.Struct({
      processCpu: Schema.NullOr(share),
      machineCpu: share,
      stolenCpu: share,
      loopDelayMs: Schema.NullOr(waitMs),
      queueWaitMs: Schema.NullOr(waitMs),
      kernelDropsPerSecond: Schema.Union([Schema.Literal(0), whole(1, 1000)]),
      memory: share,
      packetsPerSecond: between(0, 20_000),
      capacityPerSecond: Schema.Literals([10_000, 0]),
      participants: whole(0, 500)
    })
  ),
  (figures): Load.Load => ({
    ...figures,
    processCpu: figures.processCpu ?? NaN,
    loopDelayMs: figures.loopDelayMs ?? NaN,
    queueWaitMs: figures.queueWaitMs ?? NaN,
    capacityPerSecond: figures.capacityPerSecond === 0 ? NaN : figures.capacityPerSecond
  })
)
const asked = Arbitrary.schema(Schema.Struct({ priority: Priority, slot: whole(0, 255) }))
const elapsedMs = Arbitrary.schema(Schema.Union([Schema.Literal(250), whole(0, 3000)]))
const history = Arbitrary.array(Arbitrary.all([load, elapsedMs, Arbitrary.array(asked, { maxLength: 30 })]), {
  maxLength: 30
})

/** The state after all that, and who has asked lately. */
const after = (
  events: ReadonlyArray<readonly [Load.Load, number, ReadonlyArray<{ priority: Priority; slot: number }>]>
) => {
  const offered = OfferedCalls.make()
  let state = LoadShedding.make()
  for (const [load, elapsedMs, callers] of events) {
    for (const { priority, slot } of callers) {
      OfferedCalls.add(offered, priority, slot)
      if (LoadShedding.admits(state, priority, slot)) state = LoadShedding.admitted(state, priority)
    }
    state = LoadShedding.step(state, load, offered, elapsedMs)
    OfferedCalls.fade(offered, elapsedMs)
  }
  return { state, offered }
}

/** At least as much of everything, for as many participants. */
const more = (one: Load.Load, other: Load.Load): Load.Load => {
  const larger = (a: number, b: number) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b))
  return {
    ...one,
    processCpu: larger(one.processCpu, other.processCpu),
    loopDelayMs: larger(one.loopDelayMs, other.loopDelayMs),
    queueWaitMs: larger(one.queueWaitMs, other.queueWaitMs),
    kernelDropsPerSecond: larger(one.kernelDropsPerSecond, other.kernelDropsPerSecond),
    memory: larger(one.memory, other.memory),
    packetsPerSecond: larger(one.packetsPerSecond, other.packetsPerSecond)
  }
}

const runs = { arbitrary: { size: 300 } }

const busy: Load.Load = { ...Load.unknown, processCpu: 0.5, participants: 100 }
const steady = (state: LoadShedding.LoadShedding, load: Load.Load, ms: number, offered = OfferedCalls.make()) => {
  let now = state
  for (let passedMs = 0; passedMs < ms; passedMs += 250) now = LoadShedding.step(now, load, offered, 250)
  return now
}

describe("LoadShedding", () => {
  it.prop(
    "more load never lets more in",
    [history, load, load, elapsedMs],
    ([events, one, other, elapsedMs]) => {
      const { offered, state } = after(events)
      const less = LoadShedding.step(state, one, offered, elapsedMs)
      const greater = LoadShedding.step(state, more(one, other), offered, elapsedMs)
      assert.isAtLeast(greater.level, less.level)
      assert.isAtLeast(greater.extrasWithheld, less.extrasWithheld)
    },
    runs
  )

  it.prop(
    "who was let in does not let more in",
    [history, asked],
    ([events, { priority }]) => {
      const { state } = after(events)
      assert.isAtLeast(LoadShedding.admitted(state, priority).level, state.level)
    },
    runs
  )

  it.prop(
    "a higher class is never refused while a lower one is let in, and of one class the lower slots are kept",
    [history, asked, asked],
    ([events, one, other]) => {
      const { state } = after(events)
      const isHigher =
        rankOf(one.priority) < rankOf(other.priority) || (one.priority === other.priority && one.slot <= other.slot)
      if (!isHigher || !LoadShedding.admits(state, other.priority, other.slot)) return
      assert.isTrue(LoadShedding.admits(state, one.priority, one.slot))
    },
    runs
  )

  it.prop(
    "calls that go on and come back are let in, whatever happens",
    [history, whole(0, 255)],
    ([events, slot]) => {
      const { state } = after(events)
      assert.isTrue(LoadShedding.admits(state, "ongoing-media", slot))
      assert.isTrue(LoadShedding.admits(state, "resume", slot))
    },
    runs
  )

  it.prop(
    "stays within the table, whatever it is told",
    [history],
    ([events]) => {
      const { state } = after(events)
      assert.isTrue(state.level >= 0 && state.level <= GiveUpOrder.levelMax)
      assert.isTrue(state.extrasWithheld >= 0 && state.extrasWithheld <= QualityExtra.literals.length)
      assert.isTrue(Number.isFinite(state.waitLevel) && Number.isFinite(state.pending))
    },
    runs
  )

  it("nothing is given up as long as nothing is near its limit, nor when nothing is known", () => {
    for (const load of [busy, Load.unknown]) {
      const state = steady(LoadShedding.make(), load, 10_000)
      assert.strictEqual(state.level, 0)
      assert.deepStrictEqual(LoadShedding.withheld(state), [])
    }
  })

  it("goes by the table as the load grows", () => {
    for (const [at, step] of GiveUpOrder.steps.entries()) {
      const load = { ...busy, processCpu: step.fromUtilization + 0.001, participants: 0 }
      const state = steady(LoadShedding.make(), load, 1000)
      assert.isTrue(state.level > at && state.level < at + 1, `${at}: ${state.level}`)
      for (const other of Priority.literals) {
        const refusedAt = GiveUpOrder.stepOf(other)
        const isAdmitted = LoadShedding.admits(state, other, 128)
        assert.strictEqual(isAdmitted, refusedAt === undefined || refusedAt >= at, `${other} at step ${at}`)
      }
    }
  })

  it("extras come back one after another in the reverse order, within ten seconds", () => {
    const full = steady(LoadShedding.make(), { ...busy, processCpu: 1 }, 1000)
    assert.deepStrictEqual(LoadShedding.withheld(full), QualityExtra.literals)
    const seen = [full.extrasWithheld]
    let state = full
    for (let passedMs = 0; passedMs < 10_000; passedMs += 250) {
      state = LoadShedding.step(state, busy, OfferedCalls.make(), 250)
      if (state.extrasWithheld !== seen.at(-1)) seen.push(state.extrasWithheld)
    }
    assert.deepStrictEqual(seen, [4, 3, 2, 1, 0])
  })

  it("an extra that has to be taken again at once is given back later the next time, but within five seconds", () => {
    const full = { ...busy, processCpu: 0.69 }
    let state = LoadShedding.make()
    const waitsMs: Array<number> = []
    for (let times = 0; times < 4; times++) {
      state = steady(state, full, 250)
      assert.deepStrictEqual(LoadShedding.withheld(state), ["fec"])
      let waitedMs = 0
      for (; state.extrasWithheld > 0; waitedMs += 250) state = steady(state, busy, 250)
      waitsMs.push(waitedMs)
    }
    // Half a step of the level goes by before there is room.
    assert.deepStrictEqual(
      waitsMs.map((ms) => ms - waitsMs[0]!),
      [0, 1500, 3500, 3500]
    )
    const later = steady(steady(state, busy, 30_000), full, 250)
    assert.strictEqual(later.neededMs, LoadShedding.make().neededMs)
  })

  it("where packets wait though nothing is full, fewer are let in until they do not", () => {
    const offered = OfferedCalls.make()
    for (let slot = 0; slot < 256; slot++) OfferedCalls.add(offered, "new-one-to-one-audio", slot)
    const waiting = { ...busy, queueWaitMs: 40 }
    assert.strictEqual(steady(LoadShedding.make(), waiting, 500, offered).level, 0)
    const state = steady(LoadShedding.make(), waiting, 750, offered)
    // A quarter of a second at twice the limit, after half a second that may be a pause: a quarter fewer of those offered.
    assert.approximately(OfferedCalls.admittedAt(offered, state.level), 0.75 * 256, 1)
    const calm = steady(state, busy, 12_000, offered)
    assert.strictEqual(calm.level, 0)
  })

  it("a dip of a moment lets nobody in", () => {
    const using = (processCpu: number) => ({ ...busy, processCpu })
    const full = steady(LoadShedding.make(), using(0.86), 1000)
    const dip = steady(full, using(0.5), 250)
    assert.approximately(dip.level, full.level - 0.5, 1e-9)
    assert.isFalse(LoadShedding.admits(dip, "new-one-to-one-video", 0))
  })

  it("who has been let in counts less and less, however often the load is looked at", () => {
    const let5In = Array.from({ length: 5 }).reduce<LoadShedding.LoadShedding>(
      (state) => LoadShedding.admitted(state, "new-one-to-one-audio"),
      LoadShedding.make()
    )
    const after = (stepMs: number) => {
      let state = let5In
      for (let ms = 0; ms < 3000; ms += stepMs) state = LoadShedding.step(state, busy, OfferedCalls.make(), stepMs)
      return state.pending
    }
    assert.approximately(after(1000), after(250), 1e-9)
    assert.approximately(after(1000), after(100), 1e-9)
    assert.approximately(after(250), 5 * Math.exp(-3000 / 1370), 1e-9)
  })

  it("who has been let in a moment ago counts before his packets come", () => {
    const nearly = { ...busy, processCpu: 0.69, participants: 100 }
    let state = steady(LoadShedding.make(), nearly, 2000)
    const before = state.level
    for (let n = 0; n < 10; n++) state = LoadShedding.admitted(state, "new-one-to-one-audio")
    assert.isAbove(state.level, before + 2)
  })

  it("who joins a group counts as two of a call of two", () => {
    const nearly = steady(LoadShedding.make(), { ...busy, processCpu: 0.69, participants: 100 }, 2000)
    const ofTwo = LoadShedding.admitted(LoadShedding.admitted(nearly, "new-one-to-one-video"), "new-one-to-one-audio")
    for (const priority of ["group-join", "new-group-audio", "new-group-video"] as const) {
      assert.strictEqual(LoadShedding.admitted(nearly, priority).level, ofTwo.level)
    }
  })
})
