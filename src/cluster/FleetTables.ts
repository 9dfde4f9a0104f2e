import { Duration, Effect, Option, Schema } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { DatabaseClock } from "./DatabaseClock.ts"
import { StoredEntry } from "./RelayDirectorySql.ts"
import * as RelayDirectory from "./RelayDirectory.ts"
import * as RunnerAddressText from "./RunnerAddressText.ts"

/** The fleet as its tables show it to whoever is no node of it. */

/** A relay as of its last beat. */
export interface RelayOverview {
  readonly relay: string
  readonly incarnation: number
  readonly address: string
  readonly participants: number
  /** `silent`: the others take it for dead. */
  readonly state: "ready" | "draining" | "silent"
  readonly seenAgoMs: number
  /** "10.0.0.7:7478" */
  readonly node: string
}

/** A node, where actors of calls run. */
export interface NodeOverview {
  readonly address: string
  /** Of the calls, by a hash of their names. */
  readonly shards: number
  readonly seenAgoMs: number
}

/** Whoever has not been seen for so long is of no interest any more. Milliseconds. */
const shownForMs = Duration.toMillis("1 day")

const stateOf = (isDraining: boolean, seenAgoMs: number): RelayOverview["state"] => {
  if (seenAgoMs >= RelayDirectory.liveMs) return "silent"
  return isDraining ? "draining" : "ready"
}

/** In the order of their names. Those that a newer Tandem has written otherwise are left out. */
export const relays = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { now, seenWithin } = yield* DatabaseClock
  const ago = sql`${yield* now} - seen_at_ms`
  const rows = yield* sql<{ readonly entry: string; readonly ago_ms: number | string }>`
    SELECT entry, ${ago} AS ago_ms FROM tandem_relays WHERE ${yield* seenWithin("tandem_relays", shownForMs)} ORDER BY relay`
  return rows.flatMap(({ ago_ms, entry }) =>
    Option.match(Schema.decodeOption(StoredEntry)(entry), {
      onNone: () => [],
      onSome: ({ address, incarnation, isDraining, node, participants, relay }): ReadonlyArray<RelayOverview> => {
        const seenAgoMs = Number(ago_ms)
        const state = stateOf(isDraining, seenAgoMs)
        return [{ relay, incarnation, address, participants, state, seenAgoMs, node: RunnerAddressText.format(node) }]
      }
    })
  )
})

/** In the order of their addresses. */
export const nodes = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { now, seenWithin } = yield* DatabaseClock
  const ago = sql`${yield* now} - seen_at_ms`
  const rows = yield* sql<Readonly<Record<"address" | "shards" | "ago_ms", number | string>>>`
    SELECT tandem_runners.address AS address, COUNT(shard_id) AS shards, ${ago} AS ago_ms
    FROM tandem_runners LEFT JOIN tandem_shards ON tandem_shards.address = tandem_runners.address
    WHERE ${yield* seenWithin("tandem_runners", shownForMs)} GROUP BY tandem_runners.address, seen_at_ms ORDER BY tandem_runners.address`
  return rows.map(({ address, ago_ms, shards }): NodeOverview => ({
    address: String(address),
    shards: Number(shards),
    seenAgoMs: Number(ago_ms)
  }))
})

/** This life of the relay finds it with its next beat. */
export const requestDrain = Effect.fnUntraced(function* ({ incarnation, relay }: RelayOverview) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`UPDATE tandem_relays SET drain_incarnation = ${incarnation}
    WHERE relay = ${relay} AND incarnation = ${incarnation}`
})
