/**
 * Those who were let in and are not seen in the measured load yet. Each counts in full at first and evenly less, while more and
 * more is seen of him: he has to join, and what is measured is smoothed. Reads no clock, and is never changed.
 */
export type PendingAdmissions = ReadonlyArray<Batch>

/** Those who came between two looks at the load. */
interface Batch {
  /** How many they are, some of them more than once. */
  readonly weight: number
  readonly ageMs: number
}

/** Then all is seen. Milliseconds. */
export const settleMs = 1500

export const none: PendingAdmissions = []

/** One more, who counts as so many. The newest stand first. */
export const add = (self: PendingAdmissions, weight: number): PendingAdmissions => {
  const [newest, ...others] = self
  return newest?.ageMs === 0
    ? [{ weight: newest.weight + weight, ageMs: 0 }, ...others]
    : [{ weight, ageMs: 0 }, ...self]
}

/** The same so much later. */
export const later = (self: PendingAdmissions, elapsedMs: number): PendingAdmissions =>
  self.map(({ ageMs, weight }) => ({ weight, ageMs: ageMs + elapsedMs })).filter(({ ageMs }) => ageMs < settleMs)

/** As how many they count by now. */
export const total = (self: PendingAdmissions): number =>
  self.reduce((sum, { ageMs, weight }) => sum + weight * (1 - ageMs / settleMs), 0)
