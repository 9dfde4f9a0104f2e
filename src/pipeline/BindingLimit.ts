import * as PrefixLimit from "./PrefixLimit.ts"

/**
 * Binding is answered to anybody, with more bytes than it has: at most so many a second to one source prefix, as coturn
 * does against being used as a reflector.
 */
export type BindingLimit = PrefixLimit.PrefixLimit

/** docs/protocol.md, "Binding". Answers a second, and at once after a pause. */
export const answersPerSecond = 10

export const make = (): BindingLimit => PrefixLimit.make(answersPerSecond)

export const admits = (self: BindingLimit, address: Uint32Array, nowMs: number): boolean =>
  PrefixLimit.admits(self, address, 0, nowMs)
