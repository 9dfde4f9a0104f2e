import { Result } from "effect"
import type { CallState } from "../call/CallState.ts"
import * as LegEstimate from "../call/LegEstimate.ts"

/**
 * What the relays have measured of a call's legs: ephemeral, of one actor, which is there to decide who needs what. The newest
 * of each leg counts, and none for long. Reads no clock.
 */
export interface LegEstimates {
  readonly byTag: Map<number, Known>
  /** Something is known that no checkpoint has. */
  isChanged: boolean
}

export interface Known {
  readonly estimate: LegEstimate.LegEstimate
  readonly atMs: number
}

/** Relays repeat every 5 s what stays as it is. Milliseconds. */
export const forgottenAfterMs = 30_000

/** Two repeats: what is older was not repeated, and is not worth finding again. Milliseconds. */
const writtenUntilMs = 10_000

/** A checkpoint: since when all of it is known, in Unix milliseconds by the clock of whoever wrote it, then the estimates. */
const headBytes = 8

export const make = (): LegEstimates => ({ byTag: new Map(), isChanged: false })

/** What cannot be read is as good as not reported: the next report comes soon. */
export const handleReport = (self: LegEstimates, bytes: Uint8Array, nowMs: number): void => {
  if (bytes.length === 0) return
  const estimates = Result.getOrElse(LegEstimate.decode(bytes), () => [])
  for (const estimate of estimates) self.byTag.set(estimate.legTag, { estimate, atMs: nowMs })
  self.isChanged ||= estimates.length > 0
  if (self.byTag.size > LegEstimate.entriesMax) forgetOldest(self)
}

/** Of the call's present legs. What is too old is forgotten, and so is what is of none. */
export const known = (self: LegEstimates, { participants }: CallState, nowMs: number): ReadonlyMap<number, Known> => {
  const present = new Set(participants.map(({ legTag }) => legTag))
  for (const [tag, { atMs }] of self.byTag) {
    if (!present.has(tag) || nowMs - atMs >= forgottenAfterMs) self.byTag.delete(tag)
  }
  return self.byTag
}

/** Of the call's present legs, by tag: what the paths to the devices carry. Bits a second. Who was never sent video has none. */
export const downlinksBps = (self: LegEstimates, state: CallState, nowMs: number): ReadonlyMap<number, number> => {
  const rates = new Map<number, number>()
  for (const [tag, { estimate }] of known(self, state, nowMs)) {
    if (estimate.downlinkBps > 0) rates.set(tag, estimate.downlinkBps)
  }
  return rates
}

/**
 * For the next owner. Counts as made. It has one time for all, that of the oldest: so nothing is taken for newer than it is,
 * and by two repeats at most for older.
 */
export const toCheckpoint = (self: LegEstimates, unixMs: number, nowMs: number): Uint8Array => {
  self.isChanged = false
  const fresh = [...self.byTag.values()].filter(({ atMs }) => nowMs - atMs < writtenUntilMs)
  const ageMs = fresh.reduce((oldestMs, { atMs }) => Math.max(oldestMs, nowMs - atMs), 0)
  const estimates = LegEstimate.encode(fresh.map(({ estimate }) => estimate))
  const bytes = new Uint8Array(headBytes + estimates.length)
  new DataView(bytes.buffer).setFloat64(0, unixMs - ageMs)
  bytes.set(estimates, headBytes)
  return bytes
}

/** What an owner before has known, as far as nothing newer has been reported since. An old or unreadable one is none. */
export const restore = (self: LegEstimates, checkpoint: Uint8Array, unixMs: number, nowMs: number): void => {
  if (checkpoint.length < headBytes) return
  const ageMs = unixMs - new DataView(checkpoint.buffer, checkpoint.byteOffset, checkpoint.byteLength).getFloat64(0)
  // Also when it is no number, or lies ahead by more than clocks differ.
  if (!(Math.abs(ageMs) < forgottenAfterMs)) return
  const atMs = nowMs - Math.max(0, ageMs)
  const estimates = Result.getOrElse(LegEstimate.decode(checkpoint.subarray(headBytes)), () => [])
  for (const estimate of estimates) {
    if (!self.byTag.has(estimate.legTag)) self.byTag.set(estimate.legTag, { estimate, atMs })
  }
}

/** More legs than any call has, of several relays: the bound holds whatever they report. */
const forgetOldest = ({ byTag }: LegEstimates): void => {
  const oldestFirst = [...byTag].sort(([, a], [, b]) => a.atMs - b.atMs)
  for (const [tag] of oldestFirst.slice(0, byTag.size - LegEstimate.entriesMax)) byTag.delete(tag)
}
