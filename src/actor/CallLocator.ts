import { Context, Effect, Layer, type Option } from "effect"
import type { AddressText, CallState } from "../call/CallState.ts"
import type { CallId } from "../protocol/Ids.ts"
import { type AddressOwner, CallStore, type CallStoreError } from "../state/CallStore.ts"

/**
 * What a relay may read of critical state when no actor answers: whose an address is, and how a call stood at its last
 * change. It writes nothing but that a call is still alive.
 */
export class CallLocator extends Context.Service<
  CallLocator,
  {
    readonly load: (call: CallId) => Effect.Effect<CallState, CallStoreError>
    readonly findByAddress: (address: AddressText) => Effect.Effect<Option.Option<AddressOwner>, CallStoreError>
    /** These calls have participants here: the store keeps them. */
    readonly keep: (calls: ReadonlyArray<CallId>) => Effect.Effect<void, CallStoreError>
  }
>()("tandem/actor/CallLocator") {
  static readonly layer = Layer.effect(
    CallLocator,
    Effect.map(CallStore, ({ findByAddress, keep, load }) => CallLocator.of({ findByAddress, keep, load }))
  )
}
