import type { CallState } from "../call/CallState.ts"
import type { RelayId } from "../protocol/Ids.ts"

/**
 * How busy the relays of a call say that they are: ephemeral, of one actor. The hub carries what goes between all of them, so it
 * is changed when it can do no more and another can. Reads no clock.
 */
export interface RelayLoads {
  readonly byRelay: Map<RelayId, Known>
  /** When the hub was given up for it last. */
  changedAtMs: number
}

interface Known {
  readonly load: number
  readonly atMs: number
  /** Since when it has said each time that it can do no more, if it does. */
  readonly fullSinceMs: number
}

/** From here on a hub counts as one that can do no more. Share of what a relay can do. */
export const fullFrom = 0.95
/** And below this another can take its place: the call's traffic between relays comes on top. Share. */
export const calmBelow = 0.75
/** A load that comes and goes is no reason. Milliseconds. */
export const fullForMs = 2000
/** Who has just become the hub is given time to show what it means to him. Milliseconds. */
export const changeEveryMs = 10_000
/** What was said longer ago says nothing of now: reports come every 200 ms. Milliseconds. */
const freshForMs = 1000

export const make = (): RelayLoads => ({ byRelay: new Map(), changedAtMs: -Infinity })

/** `load`: left out, there is nothing worth mentioning. */
export const handleReport = (self: RelayLoads, relay: RelayId, load: number = 0, nowMs: number): void => {
  const before = self.byRelay.get(relay)
  const wasFull = before !== undefined && isFresh(before, nowMs) && before.load >= fullFrom
  self.byRelay.set(relay, { load, atMs: nowMs, fullSinceMs: wasFull ? before.fullSinceMs : nowMs })
}

/** The hub, when it is to be changed: counts as changed then. Of two relays neither forwards for the other. */
export const takeFullHub = (self: RelayLoads, { relays }: CallState, nowMs: number): RelayId | undefined => {
  forgetDeparted(self, relays)
  const hub = relays[0]?.id
  if (hub === undefined || relays.length < 3 || nowMs - self.changedAtMs < changeEveryMs) return undefined
  const known = self.byRelay.get(hub)
  if (known === undefined || !isFull(known, nowMs)) return undefined
  if (![...self.byRelay.values()].some((other) => isFresh(other, nowMs) && other.load < calmBelow)) return undefined
  self.changedAtMs = nowMs
  return hub
}

const isFull = (known: Known, nowMs: number): boolean =>
  isFresh(known, nowMs) && known.load >= fullFrom && known.atMs - known.fullSinceMs >= fullForMs

const isFresh = ({ atMs }: Known, nowMs: number): boolean => nowMs - atMs < freshForMs

const forgetDeparted = ({ byRelay }: RelayLoads, relays: CallState["relays"]): void => {
  const present = new Set(relays.map(({ id }) => id))
  for (const relay of byRelay.keys()) if (!present.has(relay)) byRelay.delete(relay)
}
