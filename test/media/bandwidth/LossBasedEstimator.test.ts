import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LossBasedEstimator from "../../../src/media/bandwidth/LossBasedEstimator.ts"
import * as LossModel from "../../../src/media/bandwidth/LossModel.ts"
import * as LossObservations from "../../../src/media/bandwidth/LossObservations.ts"

const { State } = LossBasedEstimator
const minBps = 30_000
const maxBps = 20_000_000
const make = (startBps = 300_000) => LossBasedEstimator.make({ startBps, minBps, maxBps })
const packetBytes = 1000
const reportMs = 100

/** Of the receiver's clock losses know nothing. */
const reported = (self: LossBasedEstimator.LossBasedEstimator, sentAtMs: number, bytes: number, isLost: boolean) =>
  LossBasedEstimator.handlePacket(self, { sentAtMs, arrivedAtMs: NaN, bytes }, isLost)

const observed = (self: LossObservations.LossObservations, sentAtMs: number, bytes: number, isLost: boolean) =>
  LossObservations.handlePacket(self, { sentAtMs, arrivedAtMs: NaN, bytes }, isLost)

/** Dice with a seed: mulberry32. */
const dice = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * A sender that always sends at the estimate, over a path that loses at random and drops what is above its capacity without
 * any queue. What arrives is measured over half a second.
 */
const runClosedLoop = (path: {
  readonly delayBasedBps: number
  readonly lossRatio: number
  readonly capacityBps?: number
  readonly seconds: number
  readonly seed: number
}) => {
  const { capacityBps = Infinity, delayBasedBps, lossRatio, seconds, seed } = path
  const self = make()
  const roll = dice(seed)
  const arrivedBytes: Array<number> = []
  const reports: Array<{
    atMs: number
    targetBps: number
    sent: number
    lost: number
    state: LossBasedEstimator.State
  }> = []
  let dueBytes = 0
  let tokens = 0
  for (let atMs = reportMs; atMs <= seconds * 1000; atMs += reportMs) {
    let sent = 0
    let lost = 0
    for (let ms = atMs - reportMs + 1; ms <= atMs; ms++) {
      dueBytes += self.targetBps / 8000
      // Ten packets pass as a burst.
      tokens = Math.min(10 * packetBytes, tokens + capacityBps / 8000)
      for (; dueBytes >= packetBytes; dueBytes -= packetBytes) {
        const isLost = roll() < lossRatio || tokens < packetBytes
        if (!isLost) tokens -= packetBytes
        reported(self, ms, packetBytes, isLost)
        sent++
        if (isLost) lost++
      }
    }
    arrivedBytes.push((sent - lost) * packetBytes)
    if (arrivedBytes.length > 5) arrivedBytes.shift()
    const acknowledgedBps = (arrivedBytes.reduce((a, b) => a + b) * 8000) / (arrivedBytes.length * reportMs)
    LossBasedEstimator.handleReport(self, { delayBasedBps, acknowledgedBps, isApplicationLimited: false }, atMs)
    reports.push({ atMs, targetBps: self.targetBps, sent, lost, state: self.state })
  }
  const settled = reports.filter(({ atMs }) => atMs > 5000)
  const sum = (values: ReadonlyArray<number>) => values.reduce((a, b) => a + b, 0)
  return {
    reports,
    meanBps: sum(settled.map(({ targetBps }) => targetBps)) / settled.length,
    shareBelow80: settled.filter(({ targetBps }) => targetBps < 0.8 * delayBasedBps).length / settled.length,
    lossRatio: sum(settled.map(({ lost }) => lost)) / sum(settled.map(({ sent }) => sent))
  }
}

const seeds = Array.from({ length: 8 }, (_, n) => 7919 * (n + 1))
/** Of eight runs of a minute each. */
const average = (path: Omit<Parameters<typeof runClosedLoop>[0], "seed" | "seconds">) => {
  const runs = seeds.map((seed) => runClosedLoop({ ...path, seed, seconds: 60 }))
  const mean = (of: (run: (typeof runs)[number]) => number) => runs.reduce((sum, run) => sum + of(run), 0) / runs.length
  return {
    runs,
    meanBps: mean((run) => run.meanBps),
    shareBelow80: mean((run) => run.shareBelow80),
    lossRatio: mean((run) => run.lossRatio)
  }
}

describe("LossBasedEstimator in a closed loop", () => {
  it("follows the delay-based estimate where nothing is lost", () => {
    const { reports } = runClosedLoop({ delayBasedBps: 3_000_000, lossRatio: 0, seconds: 5, seed: 1 })
    assert.isTrue(reports.every(({ state, targetBps }) => targetBps === 3_000_000 && state === State.DelayBased))
  })

  it("5 % that are lost anyway cost nothing at 2 Mbit/s", () => {
    const { meanBps, shareBelow80 } = average({ delayBasedBps: 2_000_000, lossRatio: 0.05 })
    assert.isAbove(meanBps, 1_900_000)
    assert.isBelow(shareBelow80, 0.01)
  })

  it("10 % that are lost anyway are believed to be so at 1 Mbit/s: hardly ever below 80 %", () => {
    const { meanBps, shareBelow80 } = average({ delayBasedBps: 1_000_000, lossRatio: 0.1 })
    assert.isAbove(meanBps, 930_000)
    assert.isBelow(shareBelow80, 0.08)
  })

  it("10 % at 3 Mbit/s are more than a path of that rate may lose by itself: about 1.4 Mbit/s remain", () => {
    const { meanBps } = average({ delayBasedBps: 3_000_000, lossRatio: 0.1 })
    assert.isAbove(meanBps, 1_000_000)
    assert.isBelow(meanBps, 2_000_000)
  })

  it("30 % bring it down to what can hardly be less", () => {
    assert.isBelow(average({ delayBasedBps: 2_000_000, lossRatio: 0.3 }).meanBps, 150_000)
  })

  it.each([1_200_000, 2_000_000, 5_000_000])(
    "a policer of 1 Mbit/s is found within 5 s, when delay says %d",
    (delayBasedBps) => {
      const { lossRatio, meanBps, runs } = average({ delayBasedBps, lossRatio: 0, capacityBps: 1_000_000 })
      for (const { reports } of runs) {
        const found = reports.find(({ atMs, targetBps }) => atMs > 500 && targetBps < 1_020_000)
        assert.isBelow(found?.atMs ?? Infinity, 5000)
      }
      // It stays about there: what a path of 1 Mbit/s may lose by itself, 15 %, is no reason to send less.
      assert.isAbove(meanBps, 950_000)
      assert.isBelow(meanBps, 1_150_000)
      assert.isBelow(lossRatio, 0.1)
    }
  )

  it("10 % at 300 kbit/s are too few packets to tell: more than half remains, no more is promised", () => {
    assert.isAbove(average({ delayBasedBps: 300_000, lossRatio: 0.1 }).meanBps, 150_000)
  })

  it("comes back to the delay-based estimate when the losses end", () => {
    const self = make()
    const input = { delayBasedBps: 2_000_000, acknowledgedBps: NaN, isApplicationLimited: false }
    let recoveredMs = Infinity
    for (let atMs = 10; atMs <= 60_000; atMs += 10) {
      const isLost = atMs < 10_000 && atMs % 20 === 0
      reported(self, atMs, (self.targetBps * 10) / 8000, isLost)
      if (atMs % 100 !== 0) continue
      LossBasedEstimator.handleReport(self, input, atMs)
      if (atMs === 10_000) assert.isBelow(self.targetBps, 500_000)
      if (atMs > 10_000 && self.targetBps === 2_000_000) recoveredMs = Math.min(recoveredMs, atMs)
    }
    assert.isBelow(recoveredMs, 30_000)
    assert.strictEqual(self.state, State.DelayBased)
  })

  it("holds after a decrease twice as long each time, up to a minute, and starts anew when losses no longer limit", () => {
    const self = make()
    const holds = new Set<number>()
    // Heavy losses for a second in every two: each time it begins to rise they come again.
    for (let atMs = 10; atMs <= 600_000; atMs += 10) {
      const isLost = Math.floor(atMs / 2000) % 2 === 0 && atMs % 20 === 0
      reported(self, atMs, 1000, isLost)
      if (atMs % 100 !== 0) continue
      const acknowledgedBps = isLost ? 300_000 : 600_000
      LossBasedEstimator.handleReport(
        self,
        { delayBasedBps: 5_000_000, acknowledgedBps, isApplicationLimited: false },
        atMs
      )
      if (self.holdMs > 0) holds.add(self.holdMs)
    }
    assert.deepStrictEqual([...holds].slice(0, 3), [300, 600, 1200])
    assert.isAtMost(Math.max(...holds), LossBasedEstimator.holdMsMax)
  })
})

const Amount = Schema.Union([Schema.Literals([0, 1e-9, 1, 40, 1200, 65_535, 1e9, 1e300, -1]), Schema.Number])
const Rate = Schema.Union([Schema.Literals([0, 1, 30_000, 1e6, 2e7, 1e15, -5]), Schema.Number])
const Report = Schema.Struct({
  /** Of the clock; 0 stands still. */
  stepMs: Schema.Literals([0, 0, 1, 20, 100, 300, 1000, 1e7, -50, -1e7]),
  packets: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
  bytes: Amount,
  lostOf: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
  delayBasedBps: Rate,
  acknowledgedBps: Schema.UndefinedOr(Rate),
  isApplicationLimited: Schema.Boolean
})

describe("LossBasedEstimator", () => {
  it.prop(
    "is a number within its bounds, whatever is reported and wherever the clock goes",
    [Schema.Array(Report)],
    ([reports]) => {
      const self = make()
      let nowMs = 0
      for (const { acknowledgedBps = NaN, bytes, lostOf, packets, stepMs, ...others } of reports) {
        const input = { ...others, acknowledgedBps }
        nowMs += stepMs
        for (let n = 0; n < packets; n++) reported(self, nowMs - n, bytes, n % 4 < lostOf)
        LossBasedEstimator.handleReport(self, input, nowMs)
        assert.isTrue(self.targetBps >= minBps && self.targetBps <= maxBps, `target ${self.targetBps}`)
        assert.isTrue(self.inherentLoss >= 0 && self.inherentLoss <= 1, `inherent loss ${self.inherentLoss}`)
        if (input.delayBasedBps >= minBps) assert.isAtMost(self.targetBps, input.delayBasedBps)
        assert.isTrue(self.observations.lossRatio >= 0 && self.observations.lossRatio <= 1)
      }
    },
    { arbitrary: { size: 60 } }
  )

  it.each([true, false])("everything lost for ever, or nothing ever (%s)", (isLost) => {
    const self = make()
    for (let atMs = 1; atMs <= 120_000; atMs += 1) {
      reported(self, atMs, 1, isLost)
      if (atMs % 50 !== 0) continue
      LossBasedEstimator.handleReport(
        self,
        { delayBasedBps: 2_000_000, acknowledgedBps: NaN, isApplicationLimited: false },
        atMs
      )
    }
    assert.strictEqual(self.targetBps, isLost ? minBps : 2_000_000)
  })

  it("before there are three observations delay counts alone", () => {
    const self = make()
    const input = { delayBasedBps: 900_000, acknowledgedBps: NaN, isApplicationLimited: false }
    const targets = [0, 300, 600, 900].map((atMs) => {
      reported(self, atMs, 1000, true)
      LossBasedEstimator.handleReport(self, input, atMs)
      return self.targetBps
    })
    assert.deepStrictEqual(targets.slice(0, 3), [900_000, 900_000, 900_000])
    assert.isBelow(targets[3]!, 900_000)
  })

  it("never goes beyond the newest delay-based estimate, between observations neither", () => {
    const self = make()
    for (const [n, delayBasedBps] of [2e6, 1e6, 5e5, 4e6].entries()) {
      LossBasedEstimator.handleReport(self, { delayBasedBps, acknowledgedBps: NaN, isApplicationLimited: false }, n)
      assert.strictEqual(self.targetBps, delayBasedBps)
    }
  })
})

describe("LossObservations", () => {
  const observe = (self: LossObservations.LossObservations, lost: ReadonlyArray<number>, bytes = 1000) => {
    for (const share of lost) {
      const atMs = Number.isNaN(self.closedAtMs) ? 0 : self.closedAtMs + 250
      observed(self, atMs, bytes * share, true)
      observed(self, atMs, bytes * (1 - share), false)
      LossObservations.handleReport(self)
    }
  }

  it("leaves out the best and the worst of more than three", () => {
    const self = LossObservations.make()
    observe(self, [0, 0.1, 0.1, 0.1])
    // The first report only tells when the time began.
    assert.strictEqual(self.count, 3)
    assert.closeTo(self.lossRatio, 0.1, 0.04)
    observe(self, [0.9])
    assert.closeTo(self.lossRatio, 0.1, 0.04)
  })

  it("but not the losses of a surge", () => {
    const self = LossObservations.make()
    observe(self, [0.1, 0.1, 0.1, 0.1, 0.1])
    observe(self, [0.9], 4000)
    assert.isAbove(self.lossRatio, 0.4)
  })

  it("a clock that was set far back starts anew", () => {
    const self = LossObservations.make()
    observe(self, [0, 0, 0])
    observed(self, -1e7, 1000, false)
    observed(self, -1e7 + 250, 1000, false)
    assert.isTrue(LossObservations.handleReport(self))
    assert.strictEqual(self.sendBps[LossObservations.indexOf(self, 0)], 64_000)
  })
})

describe("LossModel", () => {
  const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
  const Bps = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e12 }))

  it.prop("what is sent below the limit is lost at the inherent rate, above it more", [Share, Bps, Bps], (drawn) => {
    const [inherentLoss, limitBps, sendBps] = drawn
    const probability = LossModel.lossProbability(inherentLoss, limitBps, sendBps)
    assert.isTrue(probability > 0 && probability < 1)
    if (sendBps <= limitBps) assert.closeTo(probability, inherentLoss, 2e-6)
    else assert.isAtLeast(probability, Math.min(inherentLoss, 0.999))
  })

  it("a path may lose 15 % by itself at 1 Mbit/s, 7 % at 5 Mbit/s", () => {
    assert.closeTo(LossModel.feasibleInherentLoss(1, 1_000_000), 0.15, 1e-9)
    assert.closeTo(LossModel.feasibleInherentLoss(1, 5_000_000), 0.07, 1e-9)
    assert.strictEqual(LossModel.feasibleInherentLoss(0, 5_000_000), LossModel.inherentLossMin)
    assert.strictEqual(LossModel.feasibleInherentLoss(1, 0), 1)
  })
})
