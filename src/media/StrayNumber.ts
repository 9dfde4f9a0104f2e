import * as SequenceNumber from "../protocol/SequenceNumber.ts"

/**
 * A number that lies far from all others is one of two things: old, and sent again by somebody who has captured it; or the
 * first after a jump of its sender's numbers. To believe an old one would shut out all that follow, so one alone is never
 * believed. The second in a row shows that there was a jump, as in RFC 3550 appendix A.1.
 */

/** The last number was not stray. Of 32 bits this is a number too: a jump to it is believed one packet later. */
export const none = -1

/** One follows upon another if it is at most this far ahead: some may be lost where numbers jump. */
const stepMax = 16

/** Whether `sequence` is the second in a row. `stray` is the number before it, if that was stray. `shift`: of their width. */
export const isFollowedBy = (stray: number, sequence: number, shift = SequenceNumber.shift): boolean => {
  if (stray === none) return false
  const step = SequenceNumber.distance(stray, sequence, shift)
  return step > 0 && step <= stepMax
}
