// What the video of a whole call is shared out by: how good it is in small calls, how long it takes in large ones.
import { parseArgs } from "node:util"
import { allocate } from "../../../src/call/allocation/BandwidthAllocation.ts"
import * as ExhaustiveSearch from "../../call/allocation/ExhaustiveSearch.ts"
import { faultsOf, quantile, utilityOf } from "../../call/allocation/Measures.ts"
import { dice, randomCall, type Shape, wobbled } from "../../call/allocation/RandomCalls.ts"
import * as Limit from "../Limit.ts"
import * as Machine from "../Machine.ts"

const { cases, json, smoke } = parseArgs({
  options: {
    /** Small calls of each kind. */
    cases: { type: "string", default: "1000" },
    json: { type: "boolean", default: false },
    smoke: { type: "boolean", default: false }
  }
}).values

const sizes = smoke ? { small: 20, large: 10, warmUp: 2 } : { small: Number(cases), large: 200, warmUp: 30 }

/** Of the best that is possible, in every small call. */
const utilityRatioMin = 0.95
const p99MsMax = 5

const small: ReadonlyArray<Shape> = [
  { participants: 2, layers: 3 },
  { participants: 3, layers: 3 },
  { participants: 4, layers: 2 },
  { participants: 2, layers: 2, sources: 2 }
]
const large: ReadonlyArray<Shape> = [
  { participants: 4, layers: 3 },
  { participants: 10, layers: 3 },
  { participants: 50, layers: 3, wishes: 9 },
  { participants: 50, layers: 3 }
]

const nameOf = ({ layers, participants, sources = 1, wishes = (participants - 1) * sources }: Shape): string =>
  `${participants} participants, ${sources === 1 ? "" : `${sources} sources each, `}${layers} layers, ${wishes} wishes`

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Seed by seed, what is reached of the best that is possible. */
const measureQuality = (shape: Shape) => {
  const measured = Array.from({ length: sizes.small }, (_, at) => {
    const seed = at + 1
    const input = randomCall(dice(seed), shape)
    const allocation = allocate(input)
    const utility = utilityOf(input, allocation)
    const best = ExhaustiveSearch.bestUtility(input, utility)
    return { seed, ratio: best === 0 ? 1 : utility / best, faults: faultsOf(input, allocation) }
  })
  const ratios = measured.map(({ ratio }) => ratio)
  const worst = measured.reduce((worst, one) => (one.ratio < worst.ratio ? one : worst))
  const p1 = quantile(ratios, 0.01)
  const faults = measured.flatMap(({ faults, seed }) => faults.map((fault) => `seed ${seed}: ${fault}`))
  return { name: nameOf(shape), worst: worst.ratio, worstSeed: worst.seed, p1, mean: mean(ratios), faults }
}

/** Every call so often; the quickest counts, since what else the machine does meanwhile is not part of it. */
const repeats = 12

/** How long a call takes, anew and after its estimates have moved. Milliseconds. */
const measureTime = (shape: Shape, isAgain: boolean) => {
  const tookMs: Array<number> = []
  for (let seed = 1; seed <= sizes.warmUp + sizes.large; seed++) {
    const draw = dice(seed)
    const input = randomCall(draw, shape)
    const now = isAgain ? wobbled(draw, input, 0.2) : input
    const before = isAgain ? { input, allocation: allocate(input) } : undefined
    let quickestMs = Infinity
    for (let i = 0; i < repeats; i++) {
      const startedMs = performance.now()
      allocate(now, before)
      quickestMs = Math.min(quickestMs, performance.now() - startedMs)
    }
    if (seed > sizes.warmUp) tookMs.push(quickestMs)
  }
  const p99Ms = quantile(tookMs, 0.99)
  const limits = smoke ? [] : [Limit.on("p99 in ms", p99MsMax, p99Ms)]
  return { name: `${nameOf(shape)}${isAgain ? ", again" : ""}`, p50Ms: quantile(tookMs, 0.5), p99Ms, limits }
}

const quality = small.map(measureQuality)
const time = large.flatMap((shape) => [measureTime(shape, false), measureTime(shape, true)])

if (json) {
  console.log(JSON.stringify({ machine: Machine.describe(), sizes, quality, time }, undefined, 2))
} else {
  console.log("share of the best that is possible")
  for (const { mean, name, p1, worst, worstSeed } of quality) {
    const figures = [`worst ${worst.toFixed(4)} (seed ${worstSeed})`, `p1 ${p1.toFixed(4)}`, `mean ${mean.toFixed(5)}`]
    console.log(`  ${name.padEnd(52)} ${figures.join(", ")}`)
  }
  console.log("time of one call, ms")
  for (const { limits, name, p50Ms, p99Ms } of time) {
    const figures = [`p50 ${p50Ms.toFixed(2)}, p99 ${p99Ms.toFixed(2)}`, ...limits.map(Limit.format)]
    console.log(`  ${name.padEnd(52)} ${figures.join("; ")}`)
  }
}
const failures = [
  ...quality.flatMap(({ faults }) => faults),
  ...quality.flatMap(({ name, worst, worstSeed }) =>
    worst < utilityRatioMin ? [`${name}: ${worst.toFixed(4)} of the best with seed ${worstSeed}`] : []
  ),
  ...time.flatMap(({ limits, name }) => limits.flatMap((limit) => Limit.failureOf(name, limit) ?? []))
]
for (const failure of failures) console.error(failure)
if (failures.length > 0) process.exitCode = 1
