/**
 * Resends that go out a second time some milliseconds later: those of which another would come too late, on a leg that loses
 * much. Where packets are lost one by one, both are with the square of the probability that one is. Owned by one leg's
 * sender, changed in place.
 */
export interface SecondResends {
  /** Repair sequences, the oldest first: of the `n`th at `(first + n) % length`; and when each is due, at the same place. */
  readonly sequences: Int32Array
  readonly dueMs: Float64Array
  first: number
  count: number
  /** When the oldest is due; Infinity when there is none. Milliseconds. */
  deadlineMs: number
}

/** More wait for nobody: they are sent once. */
const countMax = 32
/** A burst that takes the first is over by then, more often than not. Milliseconds. */
const spacingMs = 5
/** Of less, a resend is seldom lost too. Share. */
export const lossRatioMin = 0.05

export const make = (): SecondResends => ({
  sequences: new Int32Array(countMax),
  dueMs: new Float64Array(countMax),
  first: 0,
  count: 0,
  deadlineMs: Infinity
})

/** A packet has just been sent again, for the last time that can be of use. */
export const add = (self: SecondResends, repairSequence: number, nowMs: number): void => {
  if (self.count === countMax) return
  const at = (self.first + self.count++) % countMax
  self.sequences[at] = repairSequence
  self.dueMs[at] = nowMs + spacingMs
  noteDeadline(self)
}

/** Takes the oldest, which is due. */
export const take = (self: SecondResends): number => {
  const sequence = self.sequences[self.first]!
  self.first = (self.first + 1) % countMax
  self.count--
  noteDeadline(self)
  return sequence
}

const noteDeadline = (self: SecondResends): void => {
  self.deadlineMs = Infinity
  if (self.count > 0) self.deadlineMs = self.dueMs[self.first]!
}
