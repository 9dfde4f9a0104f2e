import type { AllocationInput, Source } from "../../../src/call/allocation/AllocationInput.ts"
import * as RateLadder from "../../../src/call/allocation/RateLadder.ts"

/**
 * The best that is possible in a small call. Tries all that every source can send, and lets every receiver choose; leaves out
 * only what cannot beat what has been found, since even with every rung of all later sources it would be worth less.
 */

const ladderBps = RateLadder.rungUnits.map((units) => units * RateLadder.unitBps)

/** Every set of rates that a source can send within an uplink, one rate a layer at most. */
const offersOf = ({ layers }: Source, uplinkBps: number): ReadonlyArray<ReadonlyArray<number>> =>
  layers
    .reduce<ReadonlyArray<ReadonlyArray<number>>>(
      (offers, { maxBps, minBps }) => {
        const rates = ladderBps.filter((rate) => rate >= minBps && rate <= maxBps)
        return offers.flatMap((offer) => [offer, ...rates.map((rate) => offer.concat(rate))])
      },
      [[]]
    )
    .filter((offer) => sumOf(offer) <= uplinkBps)

const sumOf = (rates: ReadonlyArray<number>): number => rates.reduce((sum, rate) => sum + rate, 0)

/** The most that a receiver can have of these offers, one of each source that he wants. */
const bestFor = (input: AllocationInput, receiver: number, offers: ReadonlyArray<ReadonlyArray<number>>): number => {
  const { downlinkBps, wishes } = input.receivers[receiver]!
  const most = wishes.reduce((sum, { source }) => sum + Math.max(0, ...offers[source]!), 0)
  const capacity = Math.floor(Math.min(most, downlinkBps) / RateLadder.unitBps)
  const best = new Float64Array(capacity + 1)
  for (const { maxBps, source, weight } of wishes) {
    const options = [...new Set(offers[source])].map((rate) => ({
      units: rate / RateLadder.unitBps,
      value: weight * Math.log2(1 + Math.min(rate, maxBps) / 50_000)
    }))
    for (let units = capacity; units >= 0; units--) {
      let value = best[units]!
      for (const option of options) {
        if (option.units <= units) value = Math.max(value, best[units - option.units]! + option.value)
      }
      best[units] = value
    }
  }
  return best[capacity]!
}

/** Utility of the best allocation. `knownUtility`: one that some allocation is known to reach. */
export const bestUtility = (input: AllocationInput, knownUtility: number): number => {
  const { receivers, senders, sources } = input
  const candidates = sources.map((source) => offersOf(source, senders[source.sender]!.uplinkBps))
  const offers: Array<ReadonlyArray<number>> = candidates.map((all) => [...new Set(all.flat())])
  const wanters = sources.map((_, source) =>
    receivers.flatMap(({ wishes }, receiver) => (wishes.some((wish) => wish.source === source) ? [receiver] : []))
  )
  const left = senders.map(({ uplinkBps }) => uplinkBps)
  let best = knownUtility
  const visit = (source: number, values: ReadonlyArray<number>): void => {
    if (source === sources.length) {
      best = Math.max(best, sumOf(values))
      return
    }
    const { sender } = sources[source]!
    const everything = offers[source]!
    const fitting = candidates[source]!.filter((offer) => sumOf(offer) <= left[sender]!)
    const bounded = fitting
      .map((offer) => {
        offers[source] = offer
        const next = values.slice()
        for (const receiver of wanters[source]!) next[receiver] = bestFor(input, receiver, offers)
        return { offer, next, bound: sumOf(next) }
      })
      .toSorted((a, b) => b.bound - a.bound)
    for (const { bound, next, offer } of bounded) {
      if (bound <= best + 1e-9) break
      offers[source] = offer
      left[sender]! -= sumOf(offer)
      visit(source + 1, next)
      left[sender]! += sumOf(offer)
    }
    offers[source] = everything
  }
  visit(
    0,
    receivers.map((_, receiver) => bestFor(input, receiver, offers))
  )
  return best
}

/** The same without leaving anything out: for two participants, and to check the search above. */
export const bestUtilityOfAll = (input: AllocationInput): number => {
  const { receivers, senders, sources } = input
  const offers: Array<ReadonlyArray<number>> = []
  let best = 0
  const visit = (source: number): void => {
    if (source === sources.length) {
      best = Math.max(best, sumOf(receivers.map((_, receiver) => bestFor(input, receiver, offers))))
      return
    }
    const { sender } = sources[source]!
    for (const offer of offersOf(sources[source]!, senders[sender]!.uplinkBps)) {
      offers[source] = offer
      const sent = sources.reduce(
        (sum, one, at) => (at <= source && one.sender === sender ? sum + sumOf(offers[at]!) : sum),
        0
      )
      if (sent <= senders[sender]!.uplinkBps) visit(source + 1)
    }
  }
  visit(0)
  return best
}
