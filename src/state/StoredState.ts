import { Effect, Schema } from "effect"
import { CallState } from "../call/CallState.ts"
import type { CallId } from "../protocol/Ids.ts"
import { CallStoreError, StateUnreadable } from "./CallStore.ts"

const StateText = Schema.fromJsonString(CallState)

/** A state as the text that databases keep. One that the code has made can be written: the rest is a defect. */
export const encode = (state: CallState): Effect.Effect<string> => Effect.orDie(Schema.encodeEffect(StateText)(state))

/** What a database has kept of this call. */
export const decode = (id: CallId, text: string): Effect.Effect<CallState, CallStoreError> =>
  Effect.mapError(
    Schema.decodeEffect(StateText)(text),
    (cause) => new CallStoreError({ reason: new StateUnreadable({ call: id, cause }) })
  )
