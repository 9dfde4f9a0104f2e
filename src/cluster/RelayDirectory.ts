import { Clock, Context, Effect, Layer, Schema, type Scope, type Stream, SubscriptionRef } from "effect"
import { RunnerAddress } from "effect/cluster"
import { RelayId } from "../protocol/Ids.ts"

/** A relay as it describes itself when it starts. */
export const RelayIdentity = Schema.Struct({
  relay: RelayId,
  /** Tells this life of the relay from others: a random number. */
  incarnation: Schema.Int,
  /** Where devices and relays reach it by UDP: "203.0.113.8:3478". */
  address: Schema.String,
  /** One for each of its fleet keys: tells nothing of the key, and who has the same key has the same. */
  keyFingerprints: Schema.Array(Schema.String)
})
export type RelayIdentity = typeof RelayIdentity.Type

/** What changes while it runs. */
export const RelayLoad = Schema.Struct({
  participants: Schema.Int,
  /** How much is used of what the relay can do: 0 to 1, and more. Left out: it does not know. */
  fullness: Schema.optionalKey(Schema.Finite),
  /** Takes nobody any more. */
  isDraining: Schema.Boolean
})
export type RelayLoad = typeof RelayLoad.Type

/** A relay of the fleet, as of its last beat. */
export const RelayEntry = Schema.Struct({
  ...RelayIdentity.fields,
  ...RelayLoad.fields,
  /** The runner of the node that it is part of: what is for the relay is sent there. */
  node: RunnerAddress.RunnerAddress,
  seenAtMs: Schema.Int
})
export type RelayEntry = typeof RelayEntry.Type

/** Another relay of this name is running. */
export class RelayNameTaken extends Schema.TaggedError<RelayNameTaken>()("RelayNameTaken", {
  relay: RelayId,
  address: Schema.String
}) {
  override get message(): string {
    return `a relay called ${this.relay} is already running at ${this.address}: give this one another name`
  }
}

/** This relay and one that is running could not read each other's tickets. */
export class ForeignFleetKeys extends Schema.TaggedError<ForeignFleetKeys>()("ForeignFleetKeys", { relay: RelayId }) {
  override get message(): string {
    return `this relay has no fleet key in common with ${this.relay}: give both the same key file`
  }
}

/** Tokens and tickets of this relay would end at other times than those of others. */
export class ClockOff extends Schema.TaggedError<ClockOff>()("ClockOff", { aheadMs: Schema.Finite }) {
  override get message(): string {
    const seconds = (Math.abs(this.aheadMs) / 1000).toFixed(1)
    return `this machine's clock is ${seconds} s ${this.aheadMs > 0 ? "ahead of" : "behind"} the database's: set it`
  }
}

/** The fleet's database does not answer. */
export class DirectoryUnavailable extends Schema.TaggedError<DirectoryUnavailable>()("DirectoryUnavailable", {
  cause: Schema.Defect()
}) {
  override get message(): string {
    return "the cluster's database cannot be reached: try again later"
  }
}

/** The relay is not taken in. */
export class RelayRefused extends Schema.TaggedError<RelayRefused>()("RelayRefused", {
  reason: Schema.Union([RelayNameTaken, ForeignFleetKeys, ClockOff, DirectoryUnavailable])
}) {
  override get message(): string {
    return this.reason.message
  }
}

/** A relay beats so often. Milliseconds. */
export const beatMs = 1000
/** A relay that was not seen for so long is gone. Milliseconds. */
export const liveMs = 5000

/**
 * Who the relays of the fleet are. While the database is away, all that is known stays known: running relays go on, and
 * beat again when it is back.
 */
export class RelayDirectory extends Context.Service<
  RelayDirectory,
  {
    /** The relay is known as long as the scope, and beats every second. */
    readonly register: (identity: RelayIdentity) => Effect.Effect<void, RelayRefused, Scope.Scope>
    /** Ends when an operator wants this life of a registered relay to drain. */
    readonly drainRequested: (relay: RelayId) => Effect.Effect<void>
    /** Goes with the next beat; that a relay drains is told at once. */
    readonly update: (relay: RelayId, load: RelayLoad) => Effect.Effect<void>
    /** All live relays, as of the last second. */
    readonly all: () => ReadonlyArray<RelayEntry>
    /** All but this one. */
    readonly others: (relay: RelayId) => ReadonlyArray<RelayEntry>
    readonly find: (relay: RelayId) => RelayEntry | undefined
    /** Now, and whenever more has changed than when they were seen. */
    readonly changes: Stream.Stream<ReadonlyArray<RelayEntry>>
  }
>()("tandem/cluster/RelayDirectory") {}

/** What a relay has before it says more. */
export const idle: RelayLoad = { participants: 0, isDraining: false }

/** Why the relay may not be one of these. */
export const refusal = (
  identity: RelayIdentity,
  live: ReadonlyArray<RelayEntry>
): RelayNameTaken | ForeignFleetKeys | undefined => {
  const { incarnation, keyFingerprints, relay } = identity
  const double = live.find((other) => other.relay === relay && other.incarnation !== incarnation)
  if (double !== undefined) return new RelayNameTaken({ relay, address: double.address })
  const foreign = live.find((other) => !other.keyFingerprints.some((known) => keyFingerprints.includes(known)))
  return foreign && new ForeignFleetKeys({ relay: foreign.relay })
}

/** Relays of one process. */
export const layerMemory = Layer.effect(
  RelayDirectory,
  Effect.gen(function* () {
    const entries = yield* SubscriptionRef.make<ReadonlyArray<RelayEntry>>([])
    const nowMs = Effect.map(Clock.currentTimeMillis, Math.floor)
    const live = () => SubscriptionRef.getUnsafe(entries)
    const node = RunnerAddress.make("localhost", 0)

    const register = Effect.fnUntraced(function* (identity: RelayIdentity) {
      const reason = refusal(identity, live())
      if (reason !== undefined) return yield* new RelayRefused({ reason })
      const entry = { ...identity, ...idle, node, seenAtMs: yield* nowMs }
      yield* Effect.acquireRelease(
        SubscriptionRef.update(entries, (all) => [...all.filter(({ relay }) => relay !== identity.relay), entry]),
        () => SubscriptionRef.update(entries, (all) => all.filter(({ relay }) => relay !== identity.relay))
      )
    })

    return RelayDirectory.of({
      register,
      // Who could ask for it is in the same process, and can stop the relay.
      drainRequested: () => Effect.never,
      update: Effect.fnUntraced(function* (relay, load) {
        const seenAtMs = yield* nowMs
        yield* SubscriptionRef.update(entries, (all) =>
          all.map((entry) => (entry.relay === relay ? { ...entry, ...load, seenAtMs } : entry))
        )
      }),
      others: (relay) => live().filter((entry) => entry.relay !== relay),
      all: live,
      find: (relay) => live().find((entry) => entry.relay === relay),
      changes: SubscriptionRef.changes(entries)
    })
  })
)
