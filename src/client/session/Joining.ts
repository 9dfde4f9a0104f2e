import { Clock, Effect } from "effect"
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
 * others would repeat is final; a busy relay is passed over, and may name others.
 */
export const join = Effect.fn("CallClient.join")(function* (core: CallCore, device: DevicePort) {
  const relays = [...core.settings.relays]
  const answered = new Set<Uint32Array>()
  let lastRefusal: JoinRefused | undefined
  for (const pass of RequestSchedule.passes) {
    for (let at = 0; at < Math.min(relays.length, relaysMax); at++) {
      const relay = relays[at]!
      if (answered.has(relay)) continue
      const schedule = relays.length > 1 ? pass : RequestSchedule.patient
      const outcome = yield* Requests.join({ core, device, relay, schedule })
      if (outcome._tag === "Granted") return outcome.session
      if (outcome._tag === "Silent") continue
      answered.add(relay)
      const { refusal } = outcome
      lastRefusal = refused(PackedAddress.format(relay), refusal, yield* Clock.currentTimeMillis)
      if (!isPassing(refusal.error.code)) return yield* lastRefusal
      relays.splice(at + 1, 0, ...Session.parseRelays(refusal.relays).filter((other) => !isAmong(relays, other)))
    }
    if (relays.length <= 1) break
  }
  return yield* lastRefusal ?? unreachable(relays.map((relay) => PackedAddress.format(relay)))
})

const isAmong = (relays: ReadonlyArray<Uint32Array>, relay: Uint32Array): boolean =>
  relays.some((other) => PackedAddress.equals(other, 0, relay, 0))
