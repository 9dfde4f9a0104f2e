import { Duration, Effect, Latch, Layer, Option, Schedule, Schema, SubscriptionRef } from "effect"
import { RunnerAddress, ShardingConfig } from "effect/cluster"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { RelayId } from "../protocol/Ids.ts"
import { DatabaseClock } from "./DatabaseClock.ts"
import * as LastKnown from "./LastKnown.ts"
import * as RelayDirectory from "./RelayDirectory.ts"

/** Tickets and tokens may end at the wrong time by so much. Milliseconds. */
const aheadMsMax = 5000
/** Whoever has not beaten for this long may have died just now. Milliseconds. */
const silentMs = 2.5 * RelayDirectory.beatMs
/** After an outage every relay gets the time for two beats. Milliseconds. */
const graceMs = 2 * RelayDirectory.beatMs
/** A relay that goes does not wait longer for a database that is away. */
const withdrawTimeout = "1 second"

const { seenAtMs: _seenAtMs, ...storedFields } = RelayDirectory.RelayEntry.fields
/** When it was seen has a column of its own: it is compared in the database. */
export const StoredEntry = Schema.fromJsonString(Schema.Struct(storedFields))

/** A relay of this process. */
interface Registered {
  readonly identity: RelayDirectory.RelayIdentity
  readonly load: RelayDirectory.RelayLoad
  readonly drainRequested: Latch.Latch
}

interface Row {
  readonly entry: string
  readonly seen_at_ms: number | string
}

/** Those that this Tandem can read. */
const entriesOf = (rows: ReadonlyArray<Row>): ReadonlyArray<RelayDirectory.RelayEntry> =>
  rows.flatMap(({ entry, seen_at_ms }) =>
    Option.match(Schema.decodeOption(StoredEntry)(entry), {
      onNone: () => [],
      onSome: (stored) => [{ ...stored, seenAtMs: Number(seen_at_ms) }]
    })
  )

const sameBut = (seenAtMs: number) => (entry: RelayDirectory.RelayEntry) => ({ ...entry, seenAtMs })
const areEquivalent = Schema.toEquivalence(Schema.Array(RelayDirectory.RelayEntry))
/** Whether they differ in nothing but when they were seen. */
const areSame = (
  before: ReadonlyArray<RelayDirectory.RelayEntry>,
  after: ReadonlyArray<RelayDirectory.RelayEntry>
): boolean => areEquivalent(before.map(sameBut(0)), after.map(sameBut(0)))

const refused = (reason: RelayDirectory.RelayRefused["reason"]) => new RelayDirectory.RelayRefused({ reason })
const unavailable = (cause: SqlError) => Effect.fail(refused(new RelayDirectory.DirectoryUnavailable({ cause })))

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const clock = yield* DatabaseClock
  const { runnerAddress } = yield* ShardingConfig.ShardingConfig
  const node = Option.getOrElse(runnerAddress, () => RunnerAddress.make("localhost", 0))

  const registered = new Map<RelayId, Registered>()
  const changes = yield* SubscriptionRef.make<ReadonlyArray<RelayDirectory.RelayEntry>>([])
  let live: ReadonlyArray<RelayDirectory.RelayEntry> = []

  const readLive = Effect.gen(function* () {
    return entriesOf(
      yield* sql<Row>`SELECT entry, seen_at_ms FROM tandem_relays
        WHERE ${yield* clock.seenWithin("tandem_relays", RelayDirectory.liveMs)} ORDER BY relay`
    )
  })
  const lastKnown = LastKnown.make(readLive, graceMs)

  const look = Effect.gen(function* () {
    live = yield* lastKnown.read
    if (!areSame(live, SubscriptionRef.getUnsafe(changes))) yield* SubscriptionRef.set(changes, live)
  })

  /** Takes the name if nobody has it, or only `dead` had. False: somebody has. */
  const claim = Effect.fnUntraced(function* (relay: RelayId, dead: number | undefined) {
    const self = registered.get(relay)
    if (self === undefined) return true
    const { drainRequested, identity, load } = self
    const { incarnation } = identity
    const entry = yield* Effect.orDie(Schema.encodeEffect(StoredEntry)({ ...identity, ...load, node }))
    const now = yield* clock.now
    const [claimed] = yield* sql<{
      drain_incarnation: number | string | null
    }>`INSERT INTO tandem_relays (relay, incarnation, entry, seen_at_ms)
      VALUES (${relay}, ${incarnation}, ${entry}, ${now})
      ON CONFLICT (relay) DO UPDATE
      SET incarnation = excluded.incarnation, entry = excluded.entry, seen_at_ms = excluded.seen_at_ms
      WHERE tandem_relays.incarnation = ${incarnation} OR tandem_relays.incarnation = ${dead ?? incarnation}
        OR NOT (${yield* clock.seenWithin("tandem_relays", RelayDirectory.liveMs)})
      RETURNING drain_incarnation`
    if (String(claimed?.drain_incarnation) === String(incarnation)) drainRequested.openUnsafe()
    return claimed !== undefined
  })

  /** Whether the relay still beats: one that was killed is in the table for a while. */
  const isBeating = Effect.fnUntraced(function* (relay: RelayId, seenAtMs: number) {
    const hasBeaten = Effect.map(readLive, (now) =>
      now.some((other) => other.relay === relay && other.seenAtMs !== seenAtMs)
    )
    return yield* hasBeaten.pipe(
      Effect.repeat({ schedule: Schedule.spaced("250 millis"), times: silentMs / 250, until: (isSo) => isSo })
    )
  })

  /** Whoever stands against the relay has to be alive. Returns the incarnation that had its name, if it is dead. */
  const findObstacle = Effect.fnUntraced(function* (identity: RelayDirectory.RelayIdentity) {
    let others = yield* readLive
    let dead: number | undefined
    for (let reason = reasonNow(); reason !== undefined; reason = reasonNow()) {
      const { relay } = reason
      const witness = others.find((other) => other.relay === relay)!
      if (yield* isBeating(relay, witness.seenAtMs)) return yield* refused(reason)
      if (relay === identity.relay) dead = witness.incarnation
      others = others.filter((other) => other.relay !== relay)
    }
    return dead

    function reasonNow() {
      return RelayDirectory.refusal(identity, others)
    }
  })

  const beat = (relay: RelayId) =>
    claim(relay, undefined).pipe(
      Effect.tap((isMine) =>
        isMine ? Effect.void : Effect.logError(`another relay has taken the name ${relay}: others do not know this one`)
      ),
      Effect.ignore
    )

  const withdraw = Effect.fnUntraced(function* ({ incarnation, relay }: RelayDirectory.RelayIdentity) {
    registered.delete(relay)
    yield* sql`DELETE FROM tandem_relays WHERE relay = ${relay} AND incarnation = ${incarnation}`.pipe(
      Effect.timeout(withdrawTimeout),
      // Also when the database's connections have been closed before.
      Effect.ignoreCause
    )
  })

  const register = Effect.fnUntraced(
    function* (identity: RelayDirectory.RelayIdentity) {
      const { relay } = identity
      const aheadMs = yield* clock.aheadMs
      if (Math.abs(aheadMs) > aheadMsMax) return yield* refused(new RelayDirectory.ClockOff({ aheadMs }))
      let dead = yield* findObstacle(identity)
      const drainRequested = yield* Latch.make()
      yield* Effect.acquireRelease(
        Effect.sync(() => void registered.set(relay, { identity, load: RelayDirectory.idle, drainRequested })),
        () => withdraw(identity)
      )
      // Whoever has come in between is an obstacle.
      while (!(yield* claim(relay, dead))) dead = yield* findObstacle(identity)
      yield* look
      yield* beat(relay).pipe(Effect.delay(Duration.millis(RelayDirectory.beatMs)), Effect.forever, Effect.forkScoped)
    },
    Effect.catchTag("SqlError", unavailable)
  )

  const update = Effect.fnUntraced(function* (relay: RelayId, load: RelayDirectory.RelayLoad) {
    const before = registered.get(relay)
    if (before === undefined) return
    registered.set(relay, { ...before, load })
    if (load.isDraining !== before.load.isDraining) yield* beat(relay)
  })

  yield* Effect.ignore(look).pipe(
    Effect.repeat(Schedule.spaced(Duration.millis(RelayDirectory.beatMs))),
    Effect.forkScoped
  )

  return RelayDirectory.RelayDirectory.of({
    register,
    drainRequested: (relay) => Effect.suspend(() => registered.get(relay)?.drainRequested.await ?? Effect.never),
    update,
    others: (relay) => live.filter((entry) => entry.relay !== relay),
    all: () => live,
    find: (relay) => live.find((entry) => entry.relay === relay),
    changes: SubscriptionRef.changes(changes)
  })
})

/** The tables are there already: ClusterSchema. */
export const layer = Layer.effect(RelayDirectory.RelayDirectory, make)
