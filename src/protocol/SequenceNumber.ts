/** 16-bit sequence numbers, RFC 3550 section 5.1: they wrap, so `<` is wrong. */
export const mask = 0xffff

/** Signed distance from `from` to `to`, in -32768..32767. */
export const distance = (from: number, to: number): number => (((to - from) & mask) << 16) >> 16

export const next = (sequence: number): number => (sequence + 1) & mask

/** Signed distance between 32-bit RTP timestamps, RFC 3550 section 5.1. Media clock ticks. */
export const timestampDistance = (from: number, to: number): number => (to - from) | 0
