import { type AllocationInput, layersMax, type Wish } from "./AllocationInput.ts"
import * as RateLadder from "./RateLadder.ts"

/**
 * The input as flat arrays, with rungs and units instead of rates. Layer `l` of source `s` is at `s * layersMax + l`. Wishes
 * that can never be met are left out: unknown sources, and those without weight or size.
 */
export interface AllocationProblem {
  readonly sourceCount: number
  readonly receiverCount: number
  /** The sources of each sender. One whose sender is not known is nobody's, and never sent. */
  readonly sourcesOf: ReadonlyArray<ReadonlyArray<number>>
  readonly senderOf: Int32Array
  /** Of each layer the lowest and the highest rung. None when the first is above the second. */
  readonly rungLow: Int8Array
  readonly rungHigh: Int8Array
  /** Of each source a bit for each rung that one of its layers can have. */
  readonly rungMask: Int32Array
  readonly uplinkUnits: Int32Array
  readonly downlinkUnits: Int32Array
  /** The wishes of receiver `r` are those from `wishStart[r]` to before `wishStart[r + 1]`. */
  readonly wishStart: Int32Array
  readonly wishReceiver: Int32Array
  readonly wishSource: Int32Array
  /** Where it stands among the wishes of its receiver in the input. */
  readonly wishAt: Int32Array
  readonly wishWeight: Float64Array
  /** Utility, before its weight, of a rate beyond which more is of no use. */
  readonly wishUtilityMax: Float64Array
  /** That rate, or the highest that its source can send him if that is less. Units. */
  readonly wishUnitsMax: Float64Array
  /** The highest layer that it may have, and the highest rung of those up to it. */
  readonly wishLayerMax: Int8Array
  readonly wishRungMax: Int8Array
  /** The wishes for source `s` are those in `wishers` from `wishersStart[s]` to before `wishersStart[s + 1]`. */
  readonly wishersStart: Int32Array
  readonly wishers: Int32Array
}

/** Rate at which a video has a utility of 1: half of what a small picture needs. Bits a second. */
const utilityScaleBps = 50_000
/** Of any size beyond it a weight only says "before all others", and sums of it must stay exact. */
const weightMax = 1e6

const utilityOf = (rateBps: number): number => Math.log2(1 + Math.max(0, rateBps) / utilityScaleBps)

const rungUtility = Float64Array.from(RateLadder.rungUnits, (units) => utilityOf(units * RateLadder.unitBps))
const utilityMax = rungUtility[RateLadder.rungCount - 1]!

/** What it is worth that a wish gets its source at this rung: weight * log2(1 + kbps / 50), up to the size it is shown at. */
export const wishValue = (problem: AllocationProblem, wish: number, rung: number): number => {
  const utility = rungUtility[rung]!
  const utilityMax = problem.wishUtilityMax[wish]!
  return problem.wishWeight[wish]! * (utility < utilityMax ? utility : utilityMax)
}

const isReal = ({ maxBps, source, weight }: Wish, sourceCount: number): boolean =>
  weight > 0 && maxBps > 0 && Number.isInteger(source) && source >= 0 && source < sourceCount

/** The highest rung of a source's layers up to one of them, or `off`. */
const highestOf = (rungLow: Int8Array, rungHigh: Int8Array, source: number, layerMax: number): number => {
  let highest: number = RateLadder.off
  for (let at = source * layersMax; at <= source * layersMax + layerMax; at++) {
    if (rungLow[at]! <= rungHigh[at]!) highest = Math.max(highest, rungHigh[at]!)
  }
  return highest
}

const capacities = (rates: ReadonlyArray<number>, roomRatio: number): Int32Array =>
  Int32Array.from(rates, (rateBps) => RateLadder.unitsWithin(rateBps, roomRatio))

export const make = (input: AllocationInput): AllocationProblem => {
  const { receivers, senders, sources } = input
  const sourcesOf = senders.map((): Array<number> => [])
  const senderOf = new Int32Array(sources.length)
  const rungLow = new Int8Array(sources.length * layersMax)
  const rungHigh = new Int8Array(sources.length * layersMax).fill(RateLadder.off)
  const rungMask = new Int32Array(sources.length)
  for (const [source, { layers, sender }] of sources.entries()) {
    senderOf[source] = sender
    sourcesOf[sender]?.push(source)
    for (let layer = 0; layer < Math.min(layersMax, layers.length); layer++) {
      const at = source * layersMax + layer
      rungLow[at] = RateLadder.lowestFrom(layers[layer]!.minBps)
      rungHigh[at] = RateLadder.highestTo(layers[layer]!.maxBps)
      for (let rung = rungLow[at]; rung <= rungHigh[at]; rung++) rungMask[source]! |= 1 << rung
    }
  }
  const wishCount = receivers.reduce((sum, { wishes }) => sum + wishes.length, 0)
  const wishStart = new Int32Array(receivers.length + 1)
  const wishReceiver = new Int32Array(wishCount)
  const wishSource = new Int32Array(wishCount)
  const wishAt = new Int32Array(wishCount)
  const wishWeight = new Float64Array(wishCount)
  const wishUtilityMax = new Float64Array(wishCount)
  const wishUnitsMax = new Float64Array(wishCount)
  const wishLayerMax = new Int8Array(wishCount)
  const wishRungMax = new Int8Array(wishCount)
  const wishersStart = new Int32Array(sources.length + 1)
  let count = 0
  for (let receiver = 0; receiver < receivers.length; receiver++) {
    const { wishes } = receivers[receiver]!
    for (let at = 0; at < wishes.length; at++) {
      const wish = wishes[at]!
      if (!isReal(wish, sources.length)) continue
      wishReceiver[count] = receiver
      wishSource[count] = wish.source
      wishAt[count] = at
      wishWeight[count] = Math.min(weightMax, wish.weight)
      wishUtilityMax[count] = Math.min(utilityMax, utilityOf(wish.maxBps))
      const layerMax = Math.max(-1, Math.min(layersMax - 1, wish.layerMax ?? Infinity))
      const rungMax = highestOf(rungLow, rungHigh, wish.source, layerMax)
      wishLayerMax[count] = layerMax
      wishRungMax[count] = rungMax
      wishUnitsMax[count] = Math.min(wish.maxBps / RateLadder.unitBps, RateLadder.rungUnits[rungMax] ?? 0)
      wishersStart[wish.source + 1]!++
      count++
    }
    wishStart[receiver + 1] = count
  }
  for (let source = 0; source < sources.length; source++) wishersStart[source + 1]! += wishersStart[source]!
  const wishers = new Int32Array(count)
  const next = wishersStart.slice()
  for (let wish = 0; wish < count; wish++) wishers[next[wishSource[wish]!]!++] = wish
  return {
    sourceCount: sources.length,
    receiverCount: receivers.length,
    sourcesOf,
    senderOf,
    rungLow,
    rungHigh,
    rungMask,
    uplinkUnits: capacities(
      senders.map(({ uplinkBps }) => uplinkBps),
      0
    ),
    downlinkUnits: capacities(
      receivers.map(({ downlinkBps }) => downlinkBps),
      0
    ),
    wishStart,
    wishReceiver,
    wishSource,
    wishAt,
    wishWeight,
    wishUtilityMax,
    wishUnitsMax,
    wishLayerMax,
    wishRungMax,
    wishersStart,
    wishers
  }
}

/** The same with a share of every capacity left free. */
export const withRoom = (
  problem: AllocationProblem,
  { receivers, senders }: AllocationInput,
  roomRatio: number
): AllocationProblem => ({
  ...problem,
  uplinkUnits: capacities(
    senders.map(({ uplinkBps }) => uplinkBps),
    roomRatio
  ),
  downlinkUnits: capacities(
    receivers.map(({ downlinkBps }) => downlinkBps),
    roomRatio
  )
})
