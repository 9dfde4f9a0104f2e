import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import type { LegKind } from "../LegKind.ts"

/**
 * Which frames of a leg belong to which probe, until they have been reported. Two probes are sent at the start, one after the
 * other, before anything of them can have been reported; each has fewer than 32,768 frames. Owned by exactly one estimator and changed in place.
 */
export interface ProbedFrames {
  readonly kind: LegKind
  /** Of the probe at this place: its number, 0 for none; hop sequence of its first frame, and of the first that is not of it any more. */
  readonly probeIds: Uint32Array
  readonly firsts: Int32Array
  readonly ends: Int32Array
  /** Where the one lies that is being sent; -1: none is. */
  current: number
  /** Where the next goes. */
  next: number
}

/** As many as results are waited for. */
const probesMax = 4

export const make = (kind: LegKind): ProbedFrames => ({
  kind,
  probeIds: new Uint32Array(probesMax),
  firsts: new Int32Array(probesMax),
  ends: new Int32Array(probesMax),
  current: -1,
  next: 0
})

/** From this hop sequence on, frames belong to this probe. The oldest of too many is forgotten. */
export const start = (self: ProbedFrames, probeId: number, firstHopSequence: number): void => {
  end(self, firstHopSequence)
  const at = self.next
  self.next = (at + 1) % probesMax
  self.current = at
  self.probeIds[at] = probeId
  self.firsts[at] = firstHopSequence
}

/** The frame with this hop sequence, and what comes after it, is of no probe. */
export const end = (self: ProbedFrames, endHopSequence: number): void => {
  if (self.current < 0) return
  self.ends[self.current] = endHopSequence
  self.current = -1
}

/** The probe of a frame that has been sent; 0: none. */
export const idOf = ({ current, ends, firsts, kind, probeIds }: ProbedFrames, hopSequence: number): number => {
  for (let at = 0; at < probesMax; at++) {
    if (probeIds[at] === 0 || SequenceNumber.distance(firsts[at]!, hopSequence, kind.shift) < 0) continue
    if (at === current || SequenceNumber.distance(hopSequence, ends[at]!, kind.shift) > 0) return probeIds[at]!
  }
  return 0
}

/** Everything before this hop sequence has been reported: numbers wrap, and would be those of a probe again. */
export const forgetBefore = (self: ProbedFrames, hopSequence: number): void => {
  const { current, ends, kind, probeIds } = self
  for (let at = 0; at < probesMax; at++) {
    if (at !== current && SequenceNumber.distance(ends[at]!, hopSequence, kind.shift) >= 0) probeIds[at] = 0
  }
}
