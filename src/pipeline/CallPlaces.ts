import { Context, Effect, Layer, type Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { RelayPlace } from "../call/CallState.ts"
import type { CallId } from "../protocol/Ids.ts"
import * as LegTable from "./LegTable.ts"
import { RelayCore } from "./RelayCore.ts"

/** The tag that those get who are coming into a call. */
interface Drawn {
  readonly tag: number
  coming: number
}

/** Chooses the tags of this relay: those of its legs, and the one that it has in a call. */
export class CallPlaces extends Context.Service<
  CallPlaces,
  {
    /** For a leg. 32 bits, not 0. */
    readonly newTag: Effect.Effect<number>
    /**
     * This relay in the call, for somebody who comes into it within the scope. Those who come at once, as all do whose
     * relay has died, get the same: of two places of one relay the others would know only one.
     */
    readonly enter: (call: CallId) => Effect.Effect<RelayPlace, never, Scope.Scope>
  }
>()("tandem/pipeline/CallPlaces") {
  static readonly layer: Layer.Layer<CallPlaces, never, RelayCore | SecureRandom.SecureRandom> = Layer.effect(
    CallPlaces,
    Effect.gen(function* () {
      const { calls, forwarding, options, place: address } = yield* RelayCore
      const random = yield* SecureRandom.SecureRandom
      const drawn = new Map<CallId, Drawn>()

      const newTag = random.randomBytes(4).pipe(
        Effect.map((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)),
        Effect.repeat({ until: (tag) => LegTable.isFree(forwarding.legs, tag) })
      )

      const hold = (call: CallId, fresh: number) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const entry = drawn.get(call) ?? { tag: fresh, coming: 0 }
            entry.coming++
            drawn.set(call, entry)
            return entry
          }),
          (entry) => Effect.sync(() => void (--entry.coming === 0 && drawn.delete(call)))
        )

      const enter = Effect.fnUntraced(function* (call: CallId) {
        const { relayId: id } = options
        const known = calls.calls.get(call)?.plan?.relays.find((place) => place.id === id)
        const tag = known?.tag ?? (yield* hold(call, yield* newTag)).tag
        return new RelayPlace({ id, address, tag })
      })

      return CallPlaces.of({ newTag, enter })
    })
  )
}
