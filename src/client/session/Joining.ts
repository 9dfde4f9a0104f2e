import { Clock, Effect } from "effect"
import { refusalCodes } from "../../protocol/ControlMessage.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import { isPassing, type JoinRefused, refused, unreachable } from "../JoinFailure.ts"
import type { CallCore } from "./CallCore.ts"
import type { DevicePort } from "./DevicePort.ts"
import * as Requests from "./Requests.ts"
import * as RequestSchedule from "./RequestSchedule.ts"
import * as Session from "./Session.ts"

/** More relays than this are not asked, however many each of them names. */
const relaysMax = 16

/**
 * Asks the relays one after another until one grants a session, and those that were silent once more. A refusal that the
 * others would repeat is final; a busy relay is passed over, and may name others. A relay that knows of one with less to do
 * sends the device there, once: if that one is silent, the first one has to take it.
 */
export const join = Effect.fn("CallClient.join")(function* (core: CallCore, device: DevicePort) {
  let relays = [...core.settings.relays]
  const busy: Array<Uint32Array> = []
  let isPlaced = false
  let lastRefusal: JoinRefused | undefined
  for (const pass of RequestSchedule.passes) {
    for (let at = 0; at < Math.min(relays.length, relaysMax); at++) {
      const relay = relays[at]!
      if (isAmong(busy, relay)) continue
      const schedule = relays.length > 1 ? pass : RequestSchedule.patient
      const outcome = yield* Requests.join({ core, device, relay, schedule }, isPlaced)
      if (outcome._tag === "Granted") return outcome.session
      if (outcome._tag === "Silent") continue
      const { refusal } = outcome
      lastRefusal = refused(PackedAddress.format(relay), refusal, yield* Clock.currentTimeMillis)
      if (!isPassing(refusal.error.code)) return yield* lastRefusal
      if (refusal.error.code === refusalCodes.tryAlternate) isPlaced = true
      else busy.push(relay)
      relays = askNext(relays, at, Session.parseRelays(refusal.relays))
    }
    if (relays.length <= 1) break
  }
  return yield* lastRefusal ?? unreachable(relays.map((relay) => PackedAddress.format(relay)))
})

/** Those that a relay has named come next, also if they were to be asked later. */
const askNext = (
  relays: ReadonlyArray<Uint32Array>,
  at: number,
  named: ReadonlyArray<Uint32Array>
): Array<Uint32Array> => {
  const asked = relays.slice(0, at + 1)
  const next = named.filter((relay) => !isAmong(asked, relay))
  return [...asked, ...next, ...relays.slice(at + 1).filter((relay) => !isAmong(next, relay))]
}

const isAmong = (relays: ReadonlyArray<Uint32Array>, relay: Uint32Array): boolean =>
  relays.some((other) => PackedAddress.equals(other, 0, relay, 0))
