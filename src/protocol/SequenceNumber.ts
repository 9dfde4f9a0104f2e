/**
 * Sequence numbers wrap, so `<` is wrong, RFC 3550 section 5.1. Most have 16 bits. Those of a trunk have 32 and are kept
 * signed: only numbers from -2^31 to 2^31 - 1 are never objects on the heap. A number's width is two constants: the mask of
 * its bits, and how far they are shifted so that the highest of them is the sign.
 */
export const mask = 0xffff
export const shift = 16
export const wideMask = -1
export const wideShift = 0

/** Signed distance from `from` to `to`: in -32768..32767, or in 32 bits. */
export const distance = (from: number, to: number, widthShift = shift): number =>
  ((to - from) << widthShift) >> widthShift

export const next = (sequence: number, widthMask = mask): number => (sequence + 1) & widthMask

/** Signed distance between 32-bit RTP timestamps, RFC 3550 section 5.1. Media clock ticks. */
export const timestampDistance = (from: number, to: number): number => (to - from) | 0
