/**
 * What a code of k packets and r repair packets leaves of losses that come one by one, by the binomial distribution: it fails
 * with the (r + 1)th loss of its k + r, and then all that is lost stays lost.
 */

/** Share of the packets that is lost for good. `loss`: 0..1. */
export const of = (packets: number, repairs: number, loss: number): number => {
  const sent = packets + repairs
  let term = (1 - loss) ** sent
  let sum = 0
  for (let lost = 1; lost <= sent; lost++) {
    term *= ((sent - lost + 1) / lost) * (loss / (1 - loss))
    if (lost > repairs) sum += (term * lost) / sent
  }
  return sum
}

/**
 * Repair packets for each packet, so that no more than `target` is left in blocks of so many packets; `ratioMax` when that
 * takes more. Between two whole numbers of repair packets, as many blocks get the larger as it takes.
 */
export const ratioFor = (packets: number, loss: number, target: number, ratioMax: number): number => {
  const count = Math.max(1, Math.round(packets))
  if (!(loss > target)) return 0
  if (loss >= 1) return ratioMax
  let before = loss
  for (let repairs = 1; repairs <= ratioMax * count; repairs++) {
    const left = of(count, repairs, loss)
    if (left <= target) return (repairs - 1 + (before - target) / (before - left)) / count
    before = left
  }
  return ratioMax
}

/**
 * The same where a block has one repair packet: 1 / n for the longest blocks that leave no more than `target`. What is lost of
 * n packets and theirs stays lost if another of them is lost too. `ratioMax` when no block is short enough.
 */
export const parityRatioFor = (loss: number, target: number, ratioMax: number): number => {
  if (!(loss > target)) return 0
  if (loss >= 1) return ratioMax
  const count = Math.floor(Math.log(1 - target / loss) / Math.log(1 - loss))
  return count < 1 ? ratioMax : Math.min(ratioMax, 1 / count)
}
