/**
 * The rates that are sent. All are multiples of one unit: so what fits is counted in whole numbers, and a knapsack over
 * them is exact.
 */

/** Bits a second. */
export const unitBps = 50_000

/** Steps of 1.25 to 1.5, of 2 at the very bottom; 50 kbit/s to 4 Mbit/s. Units. At most 15, as in GSO-Simulcast. */
export const rungUnits: ReadonlyArray<number> = [1, 2, 3, 4, 6, 8, 10, 14, 18, 24, 30, 40, 50, 64, 80]
export const rungCount = rungUnits.length
export const rungUnitsMax = rungUnits[rungCount - 1]!

/** In place of a rung. */
export const off = -1

/** Enough for whatever a call can send; as a capacity, it stands for one that is not known. Units. */
const unitsMax = 1 << 20

export const bpsOf = (rung: number): number => (rungUnits[rung] ?? 0) * unitBps

/** Lowest rung that is not below the rate; `rungCount` when all are. */
export const lowestFrom = (minBps: number): number => {
  let rung = 0
  while (rung < rungCount && !(bpsOf(rung) >= minBps)) rung++
  return rung
}

/** Highest rung that is not above the rate; `off` when all are. */
export const highestTo = (maxBps: number): number => {
  let rung = rungCount - 1
  while (rung >= 0 && !(bpsOf(rung) <= maxBps)) rung--
  return rung
}

/** The rung of exactly this rate; `off` when it is none of the ladder. */
export const rungOf = (rateBps: number): number => {
  const rung = highestTo(rateBps)
  return rung >= 0 && bpsOf(rung) === rateBps ? rung : off
}

/** Whole units that fit into a capacity of which a share is left free. No number: none. */
export const unitsWithin = (capacityBps: number, roomRatio: number): number => {
  const units = Math.floor((capacityBps * (1 - roomRatio)) / unitBps)
  return units > 0 ? Math.min(units, unitsMax) : 0
}
