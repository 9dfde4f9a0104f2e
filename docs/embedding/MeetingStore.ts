/** Calls in the application's own tables, where its other queries find who is in which meeting. For SQLite. */
import { Array as Arr, Effect, Layer, Option, Schema } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type AddressText, CallState, empty } from "tandem/call/state"
import * as CallVersion from "tandem/call/version"
import { CallId, ParticipantId } from "tandem/protocol/ids"
import { CallStore, CallStoreError, StaleVersion, StateUnreadable, StoreUnavailable } from "tandem/state"
import * as CallExpiry from "tandem/state/expiry"

const StateText = Schema.fromJsonString(CallState)

const makeTables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE IF NOT EXISTS meetings (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, checkpoint BLOB, kept_in INTEGER NOT NULL)`
  yield* sql`CREATE TABLE IF NOT EXISTS meeting_members (
    meeting TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    participant TEXT NOT NULL, address TEXT NOT NULL, joined_at_ms INTEGER NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS meeting_members_by_address ON meeting_members (address, joined_at_ms)`
  yield* sql`CREATE INDEX IF NOT EXISTS meeting_members_by_meeting ON meeting_members (meeting)`
  yield* sql`CREATE TABLE IF NOT EXISTS meeting_round (id INTEGER PRIMARY KEY, number INTEGER NOT NULL)`
  yield* sql`INSERT OR IGNORE INTO meeting_round (id, number) VALUES (1, 0)`
})

/** What the relay can do something about. */
const answered = <A>(asked: Effect.Effect<A, CallStoreError | SqlError>): Effect.Effect<A, CallStoreError> =>
  Effect.catchTag(asked, "SqlError", (cause) =>
    Effect.fail(new CallStoreError({ reason: new StoreUnavailable({ cause }) }))
  )

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* makeTables

  const load = Effect.fnUntraced(function* (id: CallId) {
    const [row] = yield* sql<{ state: string }>`SELECT state FROM meetings WHERE id = ${id}`
    if (row === undefined) return empty
    return yield* Effect.mapError(
      Schema.decodeEffect(StateText)(row.state),
      (cause) => new CallStoreError({ reason: new StateUnreadable({ call: id, cause }) })
    )
  }, answered)

  /** Compares and writes in one transaction: SQLite has one writer at a time, so what it has read is still so. */
  const ifAt = (id: CallId, expected: CallVersion.CallVersion, write: Effect.Effect<void, SqlError>) =>
    Effect.gen(function* () {
      const { version: stored } = yield* load(id)
      if (!CallVersion.equals(stored, expected)) {
        return yield* new CallStoreError({ reason: new StaleVersion({ stored }) })
      }
      yield* write
    }).pipe(sql.withTransaction, answered)

  const roundNow = sql.literal("(SELECT number FROM meeting_round)")

  const write = Effect.fnUntraced(function* (id: CallId, state: CallState) {
    const text = yield* Effect.orDie(Schema.encodeEffect(StateText)(state))
    yield* sql`INSERT INTO meetings (id, state, kept_in) VALUES (${id}, ${text}, ${roundNow})
      ON CONFLICT (id) DO UPDATE SET state = excluded.state, kept_in = excluded.kept_in`
    yield* sql`DELETE FROM meeting_members WHERE meeting = ${id}`
    const members = state.participants.map(({ id: participant, address, joinedAtMs }) => ({
      meeting: id,
      participant,
      address,
      joined_at_ms: joinedAtMs
    }))
    if (Arr.isArrayNonEmpty(members)) yield* sql`INSERT INTO meeting_members ${sql.insert(members)}`
  })

  const findByAddress = Effect.fnUntraced(function* (address: AddressText) {
    const [row] = yield* sql<{ meeting: string; participant: string }>`SELECT meeting, participant
      FROM meeting_members WHERE address = ${address} ORDER BY joined_at_ms DESC LIMIT 1`
    return Option.map(Option.fromUndefinedOr(row), ({ meeting, participant }) => ({
      call: CallId.make(meeting),
      participant: ParticipantId.make(participant)
    }))
  }, answered)

  const checkpoint = Effect.fnUntraced(function* (id: CallId, ephemeral: Uint8Array) {
    yield* sql`UPDATE meetings SET checkpoint = ${ephemeral} WHERE id = ${id}`
  }, answered)

  const loadCheckpoint = Effect.fnUntraced(function* (id: CallId) {
    const [row] = yield* sql<{ checkpoint: Uint8Array | null }>`SELECT checkpoint FROM meetings WHERE id = ${id}`
    return Option.fromNullishOr(row?.checkpoint)
  }, answered)

  const keep = Effect.fnUntraced(function* (ids: ReadonlyArray<CallId>) {
    if (Arr.isReadonlyArrayNonEmpty(ids))
      yield* sql`UPDATE meetings SET kept_in = ${roundNow} WHERE ${sql.in("id", ids)}`
  }, answered)

  // Calls that nobody keeps are forgotten: CallExpiry says when, the store how.
  yield* Effect.forkScoped(
    CallExpiry.run(
      {
        current: answered(
          Effect.map(sql<{ number: number }>`SELECT number FROM meeting_round`, ([round]) => round?.number ?? 0)
        ),
        end: (round) =>
          answered(
            Effect.map(
              sql`UPDATE meeting_round SET number = number + 1 WHERE number = ${round} RETURNING number`,
              (ended) => ended.length > 0
            )
          ),
        forgetBefore: (round, atMost) =>
          answered(
            Effect.map(
              sql`DELETE FROM meetings WHERE id IN
                (SELECT id FROM meetings WHERE kept_in < ${round} LIMIT ${atMost}) RETURNING id`,
              (forgotten) => forgotten.length
            )
          )
      },
      {}
    )
  )

  return CallStore.of({
    load,
    save: (id, state, expected) => ifAt(id, expected, write(id, state)),
    remove: (id, expected) => ifAt(id, expected, Effect.asVoid(sql`DELETE FROM meetings WHERE id = ${id}`)),
    findByAddress,
    checkpoint,
    loadCheckpoint,
    keep
  })
})

/** In place of `CallStore.layerMemory`. */
export const layer = Layer.effect(CallStore, make)
