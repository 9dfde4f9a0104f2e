import { Hash } from "effect"

/** Callers of one class, divided so that some of them can be refused. */
export const slots = 256

const hourMs = 3_600_000

/**
 * Which part of its class a caller is in during this hour: 0 is kept longest. The same at every relay and every try, so that
 * who is refused gains nothing by asking again; another one each hour, so that it is not always the same people. DAGOR §4.2.
 */
export const slotOf = (caller: string, unixMs: number): number =>
  scramble(Hash.string(`${Math.floor(unixMs / hourMs)} ${caller}`)) % slots

/** Murmur3's finalizer: so that also names that differ in their last letter only are far apart. */
const scramble = (hash: number): number => {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
