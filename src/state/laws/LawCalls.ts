import { Effect, Option } from "effect"
import { CallState, Participant } from "../../call/CallState.ts"
import * as CallVersion from "../../call/CallVersion.ts"
import { ParticipantId, RelayId } from "../../protocol/Ids.ts"
import type { CallStoreError } from "../CallStore.ts"

/** Participant number `index` at this address. */
export const member = (index: number, address: string, joinedAtMs = 0): Participant =>
  new Participant({
    id: ParticipantId.make(`participant-${index}`),
    callClass: "group-audio",
    relay: RelayId.make("relay"),
    address,
    legTag: index,
    deviceLegTag: index,
    epoch: 1,
    restores: 0,
    streams: [],
    keyId: "key",
    tokenExpiresAtSeconds: 2_000_000_000,
    joinedAtMs
  })

/** What follows when these are in the call. */
export const next = (state: CallState, ...participants: ReadonlyArray<Participant>): CallState =>
  new CallState({ ...state, version: CallVersion.next(state.version), participants })

export const takenOver = (state: CallState, nowMs: number): CallState =>
  new CallState({ ...state, version: CallVersion.takenOver(state.version, nowMs) })

/** The version that the store holds instead, if it refused the write as stale. */
export const staleVersion = <A>(write: Effect.Effect<A, CallStoreError>) =>
  write.pipe(
    Effect.as(Option.none<CallVersion.CallVersion>()),
    Effect.catchReason("CallStoreError", "StaleVersion", ({ stored }) => Effect.succeedSome(stored))
  )
