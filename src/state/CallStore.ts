import { Context, Effect, Layer, Option, Schema } from "effect"
import { type AddressText, type CallState, empty } from "../call/CallState.ts"
import * as CallVersion from "../call/CallVersion.ts"
import { CallId, type ParticipantId } from "../protocol/Ids.ts"
import * as CallExpiry from "./CallExpiry.ts"

/** Another version is stored than the writer thought: somebody else owns the call, or has. Load it again. */
export class StaleVersion extends Schema.TaggedError<StaleVersion>()("StaleVersion", {
  stored: CallVersion.CallVersion
}) {
  override get message(): string {
    return "another owner has changed the call: load it again"
  }
}

/** The store does not answer, or not in time. What was being written may have been stored all the same. */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  cause: Schema.Defect()
}) {
  override get message(): string {
    return "the state store cannot be reached: try again later"
  }
}

/** What is stored of this call cannot be read as its state. Other calls are not concerned. */
export class StateUnreadable extends Schema.TaggedError<StateUnreadable>()("StateUnreadable", {
  call: CallId,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `what is stored of the call ${this.call} cannot be read: remove it from the state store`
  }
}

/** Handle the reasons apart with `Effect.catchReason("CallStoreError", …)`. */
export class CallStoreError extends Schema.TaggedError<CallStoreError>()("CallStoreError", {
  reason: Schema.Union([StaleVersion, StoreUnavailable, StateUnreadable])
}) {
  override get message(): string {
    return this.reason.message
  }
}

/** Whose address it is. */
export interface AddressOwner {
  readonly call: CallId
  readonly participant: ParticipantId
}

/**
 * What survives a crash. The store, not the cluster, decides who owns a call: every write names the version that it
 * replaces, and only one of several writers finds it.
 */
export class CallStore extends Context.Service<
  CallStore,
  {
    /** A call that is not stored is empty, at version `CallVersion.none`. */
    readonly load: (id: CallId) => Effect.Effect<CallState, CallStoreError>
    /** Writes if the stored version is `expected`, which is `CallVersion.none` for a call that is not stored. */
    readonly save: (
      id: CallId,
      state: CallState,
      expected: CallVersion.CallVersion
    ) => Effect.Effect<void, CallStoreError>
    /** Forgets the call and all that belongs to it, if the stored version is `expected`. */
    readonly remove: (id: CallId, expected: CallVersion.CallVersion) => Effect.Effect<void, CallStoreError>
    /** The participant at this address as saved last; if several claim it, the one who has joined last. */
    readonly findByAddress: (address: AddressText) => Effect.Effect<Option.Option<AddressOwner>, CallStoreError>
    /**
     * Keeps ephemeral state, bytes that only the caller understands, in place of what was kept before. Not versioned: it
     * is a hint. Dropped if the call is not stored, so that a late checkpoint leaves nothing behind.
     */
    readonly checkpoint: (id: CallId, ephemeral: Uint8Array) => Effect.Effect<void, CallStoreError>
    readonly loadCheckpoint: (id: CallId) => Effect.Effect<Option.Option<Uint8Array>, CallStoreError>
    /**
     * These calls live on, as far as they are stored. A call that is neither saved nor kept for ten minutes, as the store
     * counts them, is forgotten as if it had been removed: `CallExpiry`. Relays keep theirs every minute.
     */
    readonly keep: (ids: ReadonlyArray<CallId>) => Effect.Effect<void, CallStoreError>
  }
>()("tandem/state/CallStore") {}

interface Claim extends AddressOwner {
  readonly joinedAtMs: number
}

const makeMemory = Effect.fnUntraced(function* (options: CallExpiry.Options) {
  const states = new Map<CallId, CallState>()
  const checkpoints = new Map<CallId, Uint8Array>()
  const claims = new Map<AddressText, ReadonlyArray<Claim>>()
  /** The round in which each call was last saved or kept. */
  const keptIn = new Map<CallId, number>()
  let round = 0

  const load = Effect.fnUntraced(function* (id: CallId) {
    return states.get(id) ?? empty
  })

  const replace = (id: CallId, state: CallState | undefined) => {
    for (const { address } of states.get(id)?.participants ?? []) {
      const others = claims.get(address)?.filter(({ call }) => call !== id) ?? []
      if (others.length > 0) claims.set(address, others)
      else claims.delete(address)
    }
    for (const { id: participant, address, joinedAtMs } of state?.participants ?? []) {
      claims.set(address, [...(claims.get(address) ?? []), { call: id, participant, joinedAtMs }])
    }
    if (state === undefined) {
      states.delete(id)
      checkpoints.delete(id)
      keptIn.delete(id)
    } else {
      states.set(id, state)
      keptIn.set(id, round)
    }
  }

  const replaceIf = Effect.fnUntraced(function* (
    id: CallId,
    state: CallState | undefined,
    expected: CallVersion.CallVersion
  ) {
    const { version: stored } = states.get(id) ?? empty
    if (!CallVersion.equals(stored, expected))
      return yield* new CallStoreError({ reason: new StaleVersion({ stored }) })
    replace(id, state)
  })

  const findByAddress = Effect.fnUntraced(function* (address: AddressText) {
    const claim = claims.get(address)?.reduce((last, other) => (other.joinedAtMs >= last.joinedAtMs ? other : last))
    return Option.map(Option.fromUndefinedOr(claim), ({ call, participant }) => ({ call, participant }))
  })

  const checkpoint = Effect.fnUntraced(function* (id: CallId, ephemeral: Uint8Array) {
    if (states.has(id)) checkpoints.set(id, ephemeral.slice())
  })

  const loadCheckpoint = Effect.fnUntraced(function* (id: CallId) {
    return Option.fromUndefinedOr(checkpoints.get(id))
  })

  const keep = Effect.fnUntraced(function* (ids: ReadonlyArray<CallId>) {
    for (const id of ids) if (states.has(id)) keptIn.set(id, round)
  })

  const rounds: CallExpiry.Rounds<never> = {
    current: Effect.sync(() => round),
    end: () =>
      Effect.sync(() => {
        round += 1
        return true
      }),
    forgetBefore: (before, atMost) =>
      Effect.sync(() => {
        const outlived = [...keptIn].filter(([, kept]) => kept < before).slice(0, atMost)
        for (const [id] of outlived) replace(id, undefined)
        return outlived.length
      })
  }
  yield* Effect.forkScoped(CallExpiry.run(rounds, options))

  return CallStore.of({
    load,
    save: replaceIf,
    remove: (id, expected) => replaceIf(id, undefined, expected),
    findByAddress,
    checkpoint,
    loadCheckpoint,
    keep
  })
})

/** `layerMemory` with another life of calls. */
export const layerMemoryWith = (options: CallExpiry.Options) => Layer.effect(CallStore, makeMemory(options))

/** In this process only, gone with it: for one relay without a store, and for tests. */
export const layerMemory = layerMemoryWith({})
