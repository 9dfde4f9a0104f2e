import * as PackedAddress from "../../sockets/PackedAddress.ts"

/** Relays that have refused as busy, each to be left alone for a while. Changed in place; reads no clock. */
export interface BusyRelays {
  /** By the key of the relay's address. */
  readonly busy: Map<number | string, BusyRelay>
}

interface BusyRelay {
  /** Packed address. */
  readonly relay: Uint32Array
  readonly untilMs: number
}

/** A relay that does not say for how long, or says next to nothing, is left alone this long. Milliseconds. */
export const retryAfterMsMin = 1000

export const make = (): BusyRelays => ({ busy: new Map() })

/** The newest word of a relay counts. */
export const handleRefusal = (
  self: BusyRelays,
  relay: Uint32Array,
  retryAfterMs: number | undefined,
  nowMs: number
): void => {
  const waitMs = Math.max(retryAfterMsMin, retryAfterMs ?? 0)
  self.busy.set(PackedAddress.key(relay), { relay, untilMs: nowMs + waitMs })
}

/** Whether the relay is not to be asked now. */
export const isBusy = (self: BusyRelays, relay: Uint32Array, nowMs: number): boolean => {
  const found = self.busy.get(PackedAddress.key(relay))
  return found !== undefined && nowMs < found.untilMs
}

/** When the first of them may be asked again. Milliseconds; Infinity: there is none. */
export const nextFreeAtMs = ({ busy }: BusyRelays): number =>
  Math.min(...Array.from(busy.values(), ({ untilMs }) => untilMs))

/** Those that may be asked again, the first to be free first. They are none of these any more. */
export const takeFree = ({ busy }: BusyRelays, nowMs: number): ReadonlyArray<Uint32Array> => {
  const free = [...busy].filter(([, { untilMs }]) => untilMs <= nowMs).sort(([, a], [, b]) => a.untilMs - b.untilMs)
  for (const [key] of free) busy.delete(key)
  return free.map(([, { relay }]) => relay)
}
