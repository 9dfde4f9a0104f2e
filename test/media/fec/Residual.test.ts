import { assert, describe, it } from "@effect/vitest"
import * as ProtectionControl from "../../../src/media/fec/ProtectionControl.ts"
import * as ResidualLoss from "../../../src/media/fec/ResidualLoss.ts"
import * as LegKind from "../../../src/media/LegKind.ts"
import * as FecPair from "./FecPair.ts"
import * as SeededNumbers from "./SeededNumbers.ts"

const packetsPerSecond = 170
const framesPerSecond = 30

interface Setting {
  readonly blockMs: number
  /** Left out: what ProtectionControl says to reports of every 100 ms. */
  readonly ratio?: number
  readonly isParityOnly?: boolean
  /** What ProtectionControl says where no resend comes in time. */
  readonly isAlone?: boolean
  /** Those that are lost at first may be sent again so often. */
  readonly resends?: number
}

/**
 * Video for so many seconds through encoder and decoder: 170 packets a second in 30 frames, each spread over its time, as by
 * a pacer. What is lost shows as what the repair packets, or one resend each, have not brought.
 */
const run = (setting: Setting, isLost: () => boolean, seconds: number) => {
  const pair = FecPair.make(LegKind.device, 0, 60)
  pair.begin()
  const { encoder } = pair
  encoder.ratio = setting.ratio ?? 0
  encoder.carry = 0
  encoder.isParityOnly = setting.isParityOnly ?? false
  encoder.blockMs = setting.blockMs
  encoder.frameEndAfterMs = setting.blockMs - 1000 / framesPerSecond / 2
  const control = ProtectionControl.make()
  let reportedAtMs = 0
  let lost = 0
  let lostNow = 0
  let burstsNow = 0
  let packetsNow = 0
  const missing = new Set<number>()
  let packets = 0
  let repairs = 0
  let recovered = 0
  let blocks = 0
  let blockMsSum = 0
  const take = (numbers: ReadonlyArray<number> | undefined): void => {
    for (const number of numbers!) if (missing.delete(number)) recovered++
  }
  const closeBlock = (nowMs: number): void => {
    blockMsSum += nowMs - encoder.firstAtMs
    blocks++
    for (const body of pair.close()) {
      repairs++
      if (!isLost()) take(pair.deliverRepair(body, nowMs))
    }
  }
  const report = (nowMs: number): void => {
    const lossRatio = lostNow / packetsNow
    const meanBurst = burstsNow === 0 ? 0 : lostNow / burstsNow
    const roundTripMs = setting.isAlone === true ? 200 : 40
    const path = { roundTripMs, residualLossRatio: 0.01, isOverusing: false, isWithheld: false, budgetShare: 1 }
    const { blockPackets } = encoder
    ProtectionControl.handleReport(control, { packets: packetsNow, lossRatio, meanBurst, blockPackets, ...path }, nowMs)
    encoder.ratio = control.ratio
    encoder.isParityOnly = control.kind === "Parity"
    if (control.isAlone) {
      encoder.blockMs = control.blockMs
      encoder.frameEndAfterMs = control.frameEndAfterMs
    }
    reportedAtMs = nowMs
    lostNow = burstsNow = packetsNow = 0
  }
  let wasLost = false
  for (let packet = 0; packet < packetsPerSecond * seconds; packet++) {
    const nowMs = (packet * 1000) / packetsPerSecond
    if (encoder.deadlineMs <= nowMs) closeBlock(encoder.deadlineMs)
    const frame = Math.floor(((packet + 1) * framesPerSecond) / packetsPerSecond)
    const isEnd = frame > Math.floor((packet * framesPerSecond) / packetsPerSecond)
    const number = pair.send(FecPair.video, isEnd, nowMs)
    packets++
    const isNowLost = isLost()
    if (isNowLost) missing.add(number)
    else take(pair.deliver(number, nowMs))
    packetsNow++
    if (isNowLost) {
      lost++
      lostNow++
      if (!wasLost) burstsNow++
    }
    wasLost = isNowLost
    if (setting.ratio === undefined && nowMs - reportedAtMs >= 100) report(nowMs)
    for (let i = 0; i < (setting.resends ?? 0) && missing.has(number); i++) {
      if (isLost()) continue
      missing.delete(number)
      take(pair.deliver(number, nowMs))
    }
    if (encoder.deadlineMs <= nowMs) closeBlock(nowMs)
  }
  return {
    ...setting,
    loss: lost / packets,
    overhead: repairs / packets,
    residual: missing.size / packets,
    recovered,
    packetsPerBlock: packets / blocks,
    lastsMs: blockMsSum / blocks
  }
}

const random = (seed: number, lossRatio = 0.1) => SeededNumbers.randomLoss(SeededNumbers.from(seed), lossRatio)
const bursts = (seed: number, length: number) => SeededNumbers.burstLoss(SeededNumbers.from(seed), 0.1, length)
const isShown = process.env["TANDEM_FIGURES"] !== undefined
const seconds = isShown ? 1800 : 60

const show = (rows: ReadonlyArray<object>): void => {
  if (isShown) console.table(rows)
}

describe("10 % of the packets lost at random, without resends", () => {
  it("what is left falls with the length of the blocks, at the same third of overhead", () => {
    const rows = [20, 33, 50, 66, 100, 133, 166].map((blockMs) =>
      run({ blockMs, ratio: 0.345 }, random(blockMs), seconds)
    )
    show(rows)
    for (const { overhead } of rows) assert.isAtMost(overhead, 0.35)
    const [at20, , at50, , at100] = rows
    assert.isAbove(at20!.residual, at50!.residual)
    assert.isAbove(at50!.residual, at100!.residual)
    assert.isAtMost(at50!.residual, 0.02)
    assert.isAtMost(at100!.residual, 0.006)
  })

  it("it is what the binomial distribution says", () => {
    const table = [3, 6, 9, 12, 15, 18, 24, 30].map((k) => {
      const left = [0.17, 0.25, 0.34, 0.5].map((ratio) => {
        const r = Math.round(k * ratio)
        return [`${ratio}`, `${r}: ${(100 * ResidualLoss.of(k, r, 0.1)).toFixed(2)} %`] as const
      })
      return Object.fromEntries([["k", `${k}`], ...left])
    })
    show(table)
    assert.closeTo(ResidualLoss.of(6, 2, 0.1), 0.0146, 0.0005)
    assert.closeTo(ResidualLoss.of(9, 3, 0.1), 0.0091, 0.0005)
    assert.isBelow(ResidualLoss.of(15, 5, 0.1), 0.005)
    assert.isAbove(ResidualLoss.of(9, 3, 0.1), 0.005)
  })

  it("with one resend, blocks of 50 ms leave no more than half a per cent", () => {
    const rows = [0.13, 0.18, 0.25, 0.34].map((ratio) => run({ blockMs: 50, ratio, resends: 1 }, random(7), seconds))
    show(rows)
    for (const { residual } of rows) assert.isAtMost(residual, 0.005)
  })

  it("parity alone is worse than Reed-Solomon at the same overhead, and far worse in bursts", () => {
    const compare = (name: string, loss: (seed: number) => () => boolean, ratio: number) => ({
      name,
      parity: run({ blockMs: 50, ratio, isParityOnly: true }, loss(3), seconds).residual,
      reedSolomon: run({ blockMs: 50, ratio }, loss(3), seconds).residual
    })
    const rows = [
      compare("2 % random", (seed) => random(seed, 0.02), 0.15),
      compare("5 % random", (seed) => random(seed, 0.05), 0.25),
      compare("10 % random", (seed) => random(seed), 1 / 3),
      compare("10 % in twos", (seed) => bursts(seed, 2), 1 / 3),
      compare("10 % in threes", (seed) => bursts(seed, 3), 1 / 3)
    ]
    show(rows)
    // Where hardly ever two are lost of a block, chance decides.
    for (const { parity, reedSolomon } of rows.slice(1)) assert.isAbove(parity, reedSolomon)
  })

  it("as ProtectionControl wants it, with blocks of 50 ms: most is repaired at every loss", () => {
    const rows = [0.02, 0.05, 0.1, 0.2].map((loss) => run({ blockMs: 50 }, random(5, loss), seconds))
    rows.push(run({ blockMs: 50 }, bursts(5, 2), seconds))
    show(rows)
    for (const { loss, overhead, residual } of rows) {
      assert.isBelow(residual, loss / 2)
      assert.isAtMost(overhead, 0.5)
    }
  })

  it("and where no resend comes in time, half a per cent is left at a third of overhead", () => {
    const rows = [0.02, 0.05, 0.1].map((loss) => run({ blockMs: 80, isAlone: true }, random(6, loss), seconds))
    show(rows)
    show([run({ blockMs: 80, isAlone: true }, bursts(5, 2), seconds)])
    for (const { overhead, residual } of rows) {
      assert.isAtMost(residual, 0.005)
      // Of video alone. Of all that a hop carries, with audio, it is at most 35 %: test/simulation/RepairEfficiency.test.ts.
      assert.isAtMost(overhead, 0.36)
    }
  })
})
