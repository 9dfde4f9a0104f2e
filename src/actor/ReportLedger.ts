import type { CallState } from "../call/CallState.ts"
import type { RelayId } from "../protocol/Ids.ts"
import type { CallReport } from "./CallReports.ts"
import * as RelayLoads from "./RelayLoads.ts"

/**
 * Which relays of a call report, and which legs they serve: ephemeral, of one actor. What was heard before the actor came
 * is not known, so every relay and leg counts as heard when it is first seen. Reads no clock.
 */
export interface ReportLedger {
  readonly relays: Map<RelayId, number>
  readonly legs: Map<number, number>
  readonly loads: RelayLoads.RelayLoads
  /** Since when there has always been somebody who reports that media flows, and when somebody has last. */
  heardSinceMs: number
  heardAtMs: number
}

/** Reports come every 200 ms. Milliseconds. */
export const relaySilentMs = 1000
/** Of all relays: then it was not they, and what nobody was heard in says nothing of one of them. Milliseconds. */
const allSilentMs = 500
/** A device that nothing has reached for 30 s gives up, and its relay forgets it after as long. Milliseconds. */
export const legSilentMs = 60_000

export const make = (): ReportLedger => ({
  relays: new Map(),
  legs: new Map(),
  loads: RelayLoads.make(),
  heardSinceMs: -Infinity,
  heardAtMs: -Infinity
})

export const handleReport = (
  self: ReportLedger,
  relay: RelayId,
  { isActive, legTags, load }: CallReport,
  nowMs: number
): void => {
  // Relays at which a call rests report it every 10 s: also many of them together are no measure for the hub.
  if (isActive) {
    if (nowMs - self.heardAtMs >= allSilentMs) self.heardSinceMs = nowMs
    self.heardAtMs = nowMs
  }
  self.relays.set(relay, nowMs)
  RelayLoads.handleReport(self.loads, relay, load, nowMs)
  for (const tag of legTags) self.legs.set(tag, nowMs)
}

/** The hub, when it has not reported and others have, all the while. Of two relays neither forwards for the other. */
export const silentHub = (self: ReportLedger, { relays }: CallState, nowMs: number): RelayId | undefined => {
  const hub = relays[0]?.id
  if (hub === undefined || relays.length < 3) return undefined
  const sinceMs = Math.max(heardAtMs(self.relays, hub, nowMs), self.heardSinceMs)
  if (nowMs - self.heardAtMs >= allSilentMs) return undefined
  return nowMs - sinceMs >= relaySilentMs ? hub : undefined
}

/** The hub that another relay should take the place of: it is silent, or can do no more. */
export const hubToChange = (self: ReportLedger, state: CallState, nowMs: number): RelayId | undefined =>
  silentHub(self, state, nowMs) ?? RelayLoads.takeFullHub(self.loads, state, nowMs)

/** The legs of participants that no relay serves. */
export const silentLegs = (self: ReportLedger, { participants }: CallState, nowMs: number): ReadonlyArray<number> => {
  const present = new Set(participants.map(({ legTag }) => legTag))
  for (const tag of self.legs.keys()) if (!present.has(tag)) self.legs.delete(tag)
  return [...present].filter((tag) => nowMs - heardAtMs(self.legs, tag, nowMs) >= legSilentMs)
}

const heardAtMs = <K>(known: Map<K, number>, key: K, nowMs: number): number => {
  const heard = known.get(key)
  if (heard === undefined) known.set(key, nowMs)
  return heard ?? nowMs
}
