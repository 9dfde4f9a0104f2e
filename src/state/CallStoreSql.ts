import { Array, Effect, Layer, Option, Schema } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type AddressText, CallState, empty } from "../call/CallState.ts"
import * as CallVersion from "../call/CallVersion.ts"
import { CallId, ParticipantId } from "../protocol/Ids.ts"
import * as CallSchema from "./CallSchema.ts"
import { CallStore, CallStoreError, StaleVersion, StateUnreadable, StoreUnavailable } from "./CallStore.ts"

const StateText = Schema.fromJsonString(CallState)

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

const unavailable = (cause: SqlError) => Effect.fail(new CallStoreError({ reason: new StoreUnavailable({ cause }) }))

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const load = Effect.fnUntraced(
    function* (id: CallId) {
      const [row] = yield* sql<{ state: string }>`SELECT state FROM tandem_calls WHERE id = ${id}`
      if (row === undefined) return empty
      return yield* Schema.decodeEffect(StateText)(row.state).pipe(
        Effect.mapError((cause) => new CallStoreError({ reason: new StateUnreadable({ call: id, cause }) }))
      )
    },
    Effect.catchTag("SqlError", unavailable)
  )

  const isAt = ({ number, ownerEpoch }: CallVersion.CallVersion) =>
    sql`owner_epoch = ${ownerEpoch} AND number = ${number}`

  const versionNow = Effect.fnUntraced(function* (id: CallId) {
    const [row] = yield* sql<VersionRow>`SELECT owner_epoch, number FROM tandem_calls WHERE id = ${id}`
    return versionOf(row)
  })

  const write = (id: CallId, state: CallState, text: string, expected: CallVersion.CallVersion) => {
    const { number, ownerEpoch } = state.version
    return CallVersion.equals(expected, CallVersion.none)
      ? sql`INSERT INTO tandem_calls (id, owner_epoch, number, state) VALUES (${id}, ${ownerEpoch}, ${number}, ${text})
          ON CONFLICT (id) DO NOTHING RETURNING id`
      : sql`UPDATE tandem_calls SET owner_epoch = ${ownerEpoch}, number = ${number}, state = ${text}
          WHERE id = ${id} AND ${isAt(expected)} RETURNING id`
  }

  const save = Effect.fnUntraced(
    function* (id: CallId, state: CallState, expected: CallVersion.CallVersion) {
      const text = yield* Effect.orDie(Schema.encodeEffect(StateText)(state))
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
    Effect.catchTag("SqlError", unavailable)
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
    Effect.catchTag("SqlError", unavailable)
  )

  const findByAddress = Effect.fnUntraced(
    function* (address: AddressText) {
      const [row] = yield* sql<{ call_id: string; participant_id: string }>`SELECT call_id, participant_id
      FROM tandem_addresses WHERE address = ${address} ORDER BY joined_at_ms DESC LIMIT 1`
      return Option.map(Option.fromUndefinedOr(row), ({ call_id, participant_id }) => ({
        call: CallId.make(call_id),
        participant: ParticipantId.make(participant_id)
      }))
    },
    Effect.catchTag("SqlError", unavailable)
  )

  const checkpoint = Effect.fnUntraced(
    function* (id: CallId, ephemeral: Uint8Array) {
      yield* sql`UPDATE tandem_calls SET checkpoint = ${ephemeral} WHERE id = ${id}`
    },
    Effect.catchTag("SqlError", unavailable)
  )

  const loadCheckpoint = Effect.fnUntraced(
    function* (id: CallId) {
      const [row] = yield* sql<{ checkpoint: Uint8Array | null }>`SELECT checkpoint FROM tandem_calls WHERE id = ${id}`
      return Option.map(Option.fromNullishOr(row?.checkpoint), (bytes) => new Uint8Array(bytes))
    },
    Effect.catchTag("SqlError", unavailable)
  )

  return CallStore.of({ load, save, remove, findByAddress, checkpoint, loadCheckpoint })
})

/** Calls in the tables of any SQL database that knows RETURNING; makes the tables, or brings them up to date. */
export const layer = Layer.effect(CallStore, Effect.andThen(CallSchema.migrate, make))
