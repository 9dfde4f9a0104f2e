import { Schema } from "effect"

/**
 * What a call can go without, in the order in which a busy relay gives it up; it is given back in the reverse order. The audio
 * of a call that is going on is not among them. docs/operating.md.
 */
export const QualityExtra = Schema.Literals([
  /** Repair packets for video, and most of the padding that shows how much more a path carries. */
  "fec",
  /** Second copies of audio. */
  "duplication",
  /** The highest simulcast layer of each source. */
  "high-layer",
  /** All video of groups. */
  "group-video"
])
export type QualityExtra = typeof QualityExtra.Type

/** A set of extras as a number: bit `i` stands for the `i`th of the order above. */
export const toBits = (extras: ReadonlyArray<QualityExtra>): number =>
  extras.reduce((bits, extra) => bits | (1 << QualityExtra.literals.indexOf(extra)), 0)

/** Bits that stand for nothing known here are passed over: a newer relay may have more to give up. */
export const fromBits = (bits: number): ReadonlyArray<QualityExtra> =>
  QualityExtra.literals.filter((_, index) => (bits & (1 << index)) !== 0)
