import { Schema } from "effect"
import * as LegKind from "../../src/media/LegKind.ts"

/** Where numbers wrap, as they are and as signed ones; and 16 bits, which are no boundary on a trunk. */
const boundaries = [0, 0x8000, 0x10000, 0x8000_0000]

/** A number near one of them. */
const Near = Schema.Struct({
  boundary: Schema.Literals(boundaries),
  offset: Schema.Int.check(Schema.isBetween({ minimum: -300, maximum: 100 }))
})
type Near = typeof Near.Type

const numbersOf = (kind: LegKind.LegKind) => ({
  kind,
  /** A number of the width that this kind of leg has. */
  wrap: (number: number): number => number & kind.mask,
  Near,
  /** As one of those numbers. */
  at: ({ boundary, offset }: Near): number => (boundary + offset) & kind.mask
})

/** What holds for legs holds for both kinds. */
export const all = [
  { name: "device", ...numbersOf(LegKind.device) },
  { name: "trunk", ...numbersOf(LegKind.trunk) }
] as const
