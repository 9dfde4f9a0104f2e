import * as Rendezvous from "../routing/Rendezvous.ts"
import type { Standing } from "./Quorum.ts"

/**
 * So many of the living ping each runner. One verdict takes two; a whole machine may die with several of its runners'
 * observers, and the others should not have to wait for new ones.
 */
export const observersMax = 4

/**
 * Whom a runner has to ping. All who read the same table put the runners into one ring, in an order that has nothing to do
 * with their addresses, so that processes of one machine seldom observe each other; everybody is observed by the next
 * `observersMax` who live. In a cluster of five that is everybody, and in one of hundreds a runner pings no more than there;
 * to know whom, it reads all runners and sorts this ring, in each round.
 * The condemned are observed too, by as many, until they answer.
 */
export const observedBy = (self: string, runners: ReadonlyArray<Standing>): ReadonlyArray<string> => {
  const ring = Rendezvous.order("observers", runners, ({ address }) => address)
  const place = ring.findIndex(({ address }) => address === self)
  if (place < 0) return []
  const before = [...ring.slice(place + 1), ...ring.slice(0, place)].toReversed()
  const observed: Array<string> = []
  let between = 0
  for (const { address, isCondemned } of before) {
    if (between === observersMax) break
    observed.push(address)
    if (!isCondemned) between++
  }
  return observed
}
