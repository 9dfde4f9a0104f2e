import { Array, Effect, Layer, Option } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { AddressText, CallState } from "../call/CallState.ts"
import { empty } from "../call/CallState.ts"
import * as CallVersion from "../call/CallVersion.ts"
import { CallId, ParticipantId } from "../protocol/Ids.ts"
import * as CallExpiry from "./CallExpiry.ts"
import * as CallSchema from "./CallSchema.ts"
import { CallStore, CallStoreError, StaleVersion } from "./CallStore.ts"
import * as StoreAnswer from "./StoreAnswer.ts"
import * as StoredState from "./StoredState.ts"

/** As drivers give it: some have text for what may not fit a number. */
interface VersionRow {
  readonly owner_epoch: number | string
  readonly number: number | string
}

const versionOf = (row: VersionRow | undefined): CallVersion.CallVersion =>
  row === undefined
    ? CallVersion.none
    : new CallVersion.CallVersion({ ownerEpoch: Number(row.owner_epoch), number: Number(row.number) })

const stale = (stored: CallVersion.CallVersion) => new CallStoreError({ reason: new StaleVersion({ stored }) })

const answered = <A, R>(asked: Effect.Effect<A, CallStoreError | SqlError, R>) =>
  StoreAnswer.inTime(
    asked.pipe(
      Effect.catchTag("SqlError", (cause) => Effect.fail(StoreAnswer.unavailable(cause))),
      // A transaction whose connection breaks cannot be rolled back, which the client takes for a defect.
      Effect.catchDefect((defect) =>
        isSqlError(defect) ? Effect.fail(StoreAnswer.unavailable(defect)) : Effect.die(defect)
      )
    )
  )

const make = Effect.fnUntraced(function* (options: CallExpiry.Options) {
  const sql = yield* SqlClient.SqlClient

  const load = Effect.fnUntraced(function* (id: CallId) {
    const [row] = yield* sql<{ state: string }>`SELECT state FROM tandem_calls WHERE id = ${id}`
    return row === undefined ? empty : yield* StoredState.decode(id, row.state)
  }, answered)

  const isAt = ({ number, ownerEpoch }: CallVersion.CallVersion) =>
    sql`owner_epoch = ${ownerEpoch} AND number = ${number}`

  const roundNow = sql.literal("(SELECT number FROM tandem_round)")

  const versionNow = Effect.fnUntraced(function* (id: CallId) {
    const [row] = yield* sql<VersionRow>`SELECT owner_epoch, number FROM tandem_calls WHERE id = ${id}`
    return versionOf(row)
  })

  const write = (id: CallId, state: CallState, text: string, expected: CallVersion.CallVersion) => {
    const { number, ownerEpoch } = state.version
    return CallVersion.equals(expected, CallVersion.none)
      ? sql`INSERT INTO tandem_calls (id, owner_epoch, number, state, kept_in)
          VALUES (${id}, ${ownerEpoch}, ${number}, ${text}, ${roundNow}) ON CONFLICT (id) DO NOTHING RETURNING id`
      : sql`UPDATE tandem_calls SET owner_epoch = ${ownerEpoch}, number = ${number}, state = ${text}, kept_in = ${roundNow}
          WHERE id = ${id} AND ${isAt(expected)} RETURNING id`
  }

  const save = Effect.fnUntraced(
    function* (id: CallId, state: CallState, expected: CallVersion.CallVersion) {
      const text = yield* StoredState.encode(state)
      const written = yield* write(id, state, text, expected)
      if (written.length === 0) return yield* stale(yield* versionNow(id))
      yield* sql`DELETE FROM tandem_addresses WHERE call_id = ${id}`
      const rows = state.participants.map(({ id: participant, address, joinedAtMs }) => ({
        call_id: id,
        participant_id: participant,
        address,
        joined_at_ms: joinedAtMs
      }))
      if (Array.isArrayNonEmpty(rows)) yield* sql`INSERT INTO tandem_addresses ${sql.insert(rows)}`
    },
    sql.withTransaction,
    answered
  )

  const remove = Effect.fnUntraced(
    function* (id: CallId, expected: CallVersion.CallVersion) {
      const removed = yield* sql`DELETE FROM tandem_calls WHERE id = ${id} AND ${isAt(expected)} RETURNING id`
      if (removed.length > 0) return
      const stored = yield* versionNow(id)
      // Nothing was expected, and nothing is there.
      if (!CallVersion.equals(stored, expected)) return yield* stale(stored)
    },
    sql.withTransaction,
    answered
  )

  const findByAddress = Effect.fnUntraced(function* (address: AddressText) {
    const [row] = yield* sql<{ call_id: string; participant_id: string }>`SELECT call_id, participant_id
      FROM tandem_addresses WHERE address = ${address} ORDER BY joined_at_ms DESC LIMIT 1`
    return Option.map(Option.fromUndefinedOr(row), ({ call_id, participant_id }) => ({
      call: CallId.make(call_id),
      participant: ParticipantId.make(participant_id)
    }))
  }, answered)

  const checkpoint = Effect.fnUntraced(function* (id: CallId, ephemeral: Uint8Array) {
    yield* sql`UPDATE tandem_calls SET checkpoint = ${ephemeral} WHERE id = ${id}`
  }, answered)

  const loadCheckpoint = Effect.fnUntraced(function* (id: CallId) {
    const [row] = yield* sql<{ checkpoint: Uint8Array | null }>`SELECT checkpoint FROM tandem_calls WHERE id = ${id}`
    return Option.map(Option.fromNullishOr(row?.checkpoint), (bytes) => new Uint8Array(bytes))
  }, answered)

  /** One statement however many there are, which drivers prepare once. */
  const isOneOf = (ids: ReadonlyArray<CallId>) =>
    sql.onDialectOrElse({
      pg: () => sql`id IN (SELECT json_array_elements_text(${JSON.stringify(ids)}::json))`,
      orElse: () => sql`id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`
    })

  const keep = Effect.fnUntraced(function* (ids: ReadonlyArray<CallId>) {
    yield* sql`UPDATE tandem_calls SET kept_in = ${roundNow} WHERE kept_in < ${roundNow} AND ${isOneOf(ids)}`
  }, answered)

  const rounds: CallExpiry.Rounds<CallStoreError> = {
    current: answered(
      Effect.map(sql<{ number: number | string }>`SELECT number FROM tandem_round`, ([row]) => Number(row?.number ?? 0))
    ),
    end: (round) =>
      answered(
        Effect.map(
          sql`UPDATE tandem_round SET number = number + 1 WHERE number = ${round} RETURNING number`,
          (ended) => ended.length > 0
        )
      ),
    forgetBefore: (round, atMost) =>
      answered(
        Effect.map(
          // The round is compared again with each row that is deleted: it may have been kept after it was selected.
          sql`DELETE FROM tandem_calls WHERE kept_in < ${round}
            AND id IN (SELECT id FROM tandem_calls WHERE kept_in < ${round} LIMIT ${atMost}) RETURNING id`,
          (forgotten) => forgotten.length
        )
      )
  }
  yield* Effect.forkScoped(CallExpiry.run(rounds, options))

  return CallStore.of({ load, save, remove, findByAddress, checkpoint, loadCheckpoint, keep })
})

/** `layer` with another life of calls. */
export const layerWith = (options: CallExpiry.Options) =>
  Layer.effect(CallStore, Effect.andThen(CallSchema.migrate, make(options)))

/** Calls in the tables of any SQL database that knows RETURNING; makes the tables, or brings them up to date. */
export const layer = layerWith({})
