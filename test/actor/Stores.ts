import { Effect, Layer } from "effect"
import { Entity } from "effect/cluster"
import * as CallActor from "../../src/actor/CallActor.ts"
import { Call } from "../../src/actor/CallRpcs.ts"
import { CallStore, CallStoreError, StoreUnavailable } from "../../src/state/CallStore.ts"

type Store = CallStore["Service"]

/** A store that can go away: while `isAway` it answers nothing but that. */
export interface FailingStore extends Store {
  isAway: boolean
}

const away = new CallStoreError({ reason: new StoreUnavailable({ cause: "gone for a test" }) })

export const makeFailing = (store: Store): FailingStore => {
  const unlessAway = <A>(effect: Effect.Effect<A, CallStoreError>): Effect.Effect<A, CallStoreError> =>
    Effect.suspend(() => (failing.isAway ? Effect.fail(away) : effect))
  const failing: FailingStore = {
    isAway: false,
    load: (id) => unlessAway(store.load(id)),
    save: (id, state, expected) => unlessAway(store.save(id, state, expected)),
    remove: (id, expected) => unlessAway(store.remove(id, expected)),
    findByAddress: (address) => unlessAway(store.findByAddress(address)),
    checkpoint: (id, ephemeral) => unlessAway(store.checkpoint(id, ephemeral)),
    loadCheckpoint: (id) => unlessAway(store.loadCheckpoint(id)),
    keep: (ids) => unlessAway(store.keep(ids))
  }
  return failing
}

/** The actor of one call on a node of its own: over one store, each stands for another node of the cluster. */
export const startActor = Effect.fnUntraced(function* (store: Store, call: string) {
  const layer = CallActor.layer.pipe(Layer.provide(Layer.succeed(CallStore, store)))
  const makeClient = yield* Entity.makeTestClient(Call, layer)
  return yield* makeClient(call)
})
