import { Schema } from "effect"

/** What a clock or a path may do from one packet to the next: mostly little, sometimes the impossible. Milliseconds. */
const Step = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: -5, maximum: 40 })),
  Schema.Literals([0, 0.25, 1e-9, -0.25, 101, -101, 1999, 2001, 2999.75, 3000, -3000, 10_000, -10_000, 1e12, -1e12])
])
const Bytes = Schema.Literals([0, 1, 100, 1200, 65_535])

/** From one packet to the next: sender's clock, receiver's clock, bytes, and what passes until the packet is heard of. */
export const Steps = Schema.Array(Schema.Tuple([Step, Step, Bytes, Step])).check(Schema.isMinLength(20))
