import { Clock, Effect } from "effect"
import { refusalCodes } from "../../protocol/ControlMessage.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import { isPassing, type JoinRefused, refused, unreachable } from "../JoinFailure.ts"
import * as BusyRelays from "./BusyRelays.ts"
import type { CallCore } from "./CallCore.ts"
import type { DevicePort } from "./DevicePort.ts"
import * as Requests from "./Requests.ts"
import * as RequestSchedule from "./RequestSchedule.ts"
import * as Session from "./Session.ts"

/** More relays than this are not asked, however many each of them names. */
const relaysMax = 16

/** One join, over all that it asks. */
interface Join {
  readonly core: CallCore
  readonly device: DevicePort
  readonly busy: BusyRelays.BusyRelays
  /** A relay has sent the device on: the others are to take it themselves. */
  isPlaced: boolean
  lastRefusal: JoinRefused | undefined
}

/**
 * Asks the relays until one grants a session. When those that answer are all busy, it waits for the first of them to be less
 * so, as long as the application has patience, and asks those again whose time is over. No relay is asked sooner than it
 * has said.
 */
export const join = Effect.fn("CallClient.join")(function* (core: CallCore, device: DevicePort) {
  const { relays, waitWhenBusyMs } = core.settings
  const self: Join = { core, device, busy: BusyRelays.make(), isPlaced: false, lastRefusal: undefined }
  const patientUntilMs = core.nowMs() + waitWhenBusyMs
  const session = yield* askAll(self, relays)
  if (session !== undefined) return session
  while (BusyRelays.nextFreeAtMs(self.busy) < patientUntilMs) {
    yield* Effect.sleep(Math.max(0, Math.ceil(BusyRelays.nextFreeAtMs(self.busy) - core.nowMs())))
    const session = yield* askAll(self, BusyRelays.takeFree(self.busy, core.nowMs()))
    if (session !== undefined) return session
  }
  return yield* self.lastRefusal ?? unreachable(relays.map((relay) => PackedAddress.format(relay)))
})

/**
 * Asks them one after another, and those that were silent once more. A refusal that the others would repeat is final; a busy
 * relay is passed over, and may name others. A relay that knows of one with less to do sends the device there, once: if
 * that one is silent, the first one has to take it.
 */
const askAll = Effect.fnUntraced(function* (
  self: Join,
  named: ReadonlyArray<Uint32Array>
): Effect.fn.Return<Session.Session | undefined, JoinRefused> {
  const { busy, core, device } = self
  let relays = named
  for (const pass of RequestSchedule.passes) {
    for (let at = 0; at < Math.min(relays.length, relaysMax); at++) {
      const relay = relays[at]!
      if (BusyRelays.isBusy(busy, relay, core.nowMs())) continue
      const schedule = relays.length > 1 ? pass : RequestSchedule.patient
      const outcome = yield* Requests.join({ core, device, relay, schedule }, self.isPlaced)
      if (outcome._tag === "Granted") return outcome.session
      if (outcome._tag === "Silent") continue
      const { refusal } = outcome
      const refusedWith = refused(PackedAddress.format(relay), refusal, yield* Clock.currentTimeMillis)
      self.lastRefusal = refusedWith
      if (!isPassing(refusal.error.code)) return yield* refusedWith
      if (refusal.error.code === refusalCodes.tryAlternate) self.isPlaced = true
      else BusyRelays.handleRefusal(busy, relay, refusal.retryAfterMs, core.nowMs())
      relays = askNext(relays, at, Session.parseRelays(refusal.relays))
    }
    if (relays.length <= 1) break
  }
  return undefined
})

/** Those that a relay has named come next, also if they were to be asked later. */
const askNext = (
  relays: ReadonlyArray<Uint32Array>,
  at: number,
  named: ReadonlyArray<Uint32Array>
): ReadonlyArray<Uint32Array> => {
  const asked = relays.slice(0, at + 1)
  const next = named.filter((relay) => !isAmong(asked, relay))
  return [...asked, ...next, ...relays.slice(at + 1).filter((relay) => !isAmong(next, relay))]
}

const isAmong = (relays: ReadonlyArray<Uint32Array>, relay: Uint32Array): boolean =>
  relays.some((other) => PackedAddress.equals(other, 0, relay, 0))
