import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { Effect, FileSystem, Layer, Path, Redacted, Result, Schema } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import * as CallStore from "../state/CallStore.ts"
import * as CallStoreSql from "../state/CallStoreSql.ts"
import { DatabaseNotOpened } from "../state/DatabaseNotOpened.ts"

/** A database that speaks SQL. */
export type SqlSource =
  /** For the relays of one machine. */
  | { readonly kind: "sqlite"; readonly file: string }
  /** For the relays of a fleet. The URL may have a password in it. */
  | { readonly kind: "postgres"; readonly url: Redacted.Redacted }

/** Where the calls of a relay are kept. */
export type StateSource =
  /** In the process, gone with it. */
  { readonly kind: "memory" } | SqlSource | { readonly kind: "redis"; readonly url: Redacted.Redacted }

/** It says no place where calls can be kept. `message` says what does, and repeats nothing that could be a password. */
export class BadStateSource extends Schema.TaggedError<BadStateSource>()("BadStateSource", {
  message: Schema.String
}) {}

/** Of `tandem run`, beside the keys that it makes: whoever starts it again finds the calls that went on. */
export const ofRelayProcess: StateSource = { kind: "sqlite", file: ".tandem/calls.db" }

export const allowed = "memory, sqlite:FILE, postgres://USER:PASSWORD@HOST/DATABASE or redis://HOST"

export const allowedCluster = "sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE"

const bad = (problem: string) =>
  Result.fail(new BadStateSource({ message: `the state (--state or TANDEM_STATE) ${problem}: use ${allowed}` }))

const badCluster = Result.fail(
  new BadStateSource({ message: `the cluster (--cluster or TANDEM_CLUSTER) has no database: use ${allowedCluster}` })
)

/** Reads "sqlite:FILE" or "postgres://...": what nodes can share. */
export const parseCluster = (text: string): Result.Result<SqlSource, BadStateSource> =>
  Result.match(parse(text), {
    onFailure: () => badCluster,
    onSuccess: (source) =>
      source.kind === "sqlite" || source.kind === "postgres" ? Result.succeed(source) : badCluster
  })

const kinds: Readonly<Record<string, "postgres" | "redis">> = {
  postgres: "postgres",
  postgresql: "postgres",
  redis: "redis",
  rediss: "redis"
}

/** Reads "memory", "sqlite:FILE" or the URL of a database server. */
export const parse = (text: string): Result.Result<StateSource, BadStateSource> => {
  if (text === "memory") return Result.succeed({ kind: "memory" })
  const [, scheme = "", rest = ""] = /^([a-z]+):(.*)$/s.exec(text) ?? []
  if (scheme === "") return bad("is not said in a way that can be read")
  if (scheme === "sqlite") return rest === "" ? bad("has no file") : Result.succeed({ kind: "sqlite", file: rest })
  const kind = kinds[scheme]
  if (kind === undefined) return bad(`cannot be in "${scheme}"`)
  const isUrl = rest.startsWith("//") && URL.canParse(text)
  const isDatabase = kind !== "redis" || (isUrl && /^\/?\d*$/.test(new URL(text).pathname))
  return isUrl && isDatabase ? Result.succeed({ kind, url: Redacted.make(text) }) : bad("has a URL that cannot be read")
}

/** Loads what only this kind of state needs, which an application that does not use it need not have installed. */
const load = <Module>(module: () => Promise<Module>, packageName: string) =>
  Effect.tryPromise({
    try: module,
    catch: (error) =>
      new DatabaseNotOpened({
        message: `this kind of state needs the package ${packageName}, which is not there: npm install ${packageName} (${error instanceof Error ? error.message.split("\n")[0] : error})`
      })
  })

const sqlite = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const NodeSqlite = yield* load(() => import("../state/NodeSqlite.ts"), "effect")
  if (file !== ":memory:") {
    yield* files.makeDirectory(path.dirname(file), { recursive: true }).pipe(
      // For its owner only: who knows a leg's tag can send on it.
      Effect.andThen(files.writeFile(file, new Uint8Array(), { flag: "a", mode: 0o600 })),
      // If that does not work, opening the file says so, and why.
      Effect.ignore
    )
  }
  return NodeSqlite.layer({ file })
})

const postgres = Effect.fnUntraced(function* (url: Redacted.Redacted) {
  const PostgresClient = yield* load(() => import("../state/PostgresClient.ts"), "@effect/sql-pg")
  return PostgresClient.layer({ url })
})

/** The database's client, connected when the layer is built. */
export const sqlClient = (source: SqlSource): Layer.Layer<SqlClient, DatabaseNotOpened> =>
  source.kind === "sqlite"
    ? Layer.unwrap(sqlite(source.file)).pipe(Layer.provide([NodeFileSystem.layer, NodePath.layer]))
    : Layer.unwrap(postgres(source.url))

const redis = Effect.fnUntraced(function* (url: Redacted.Redacted) {
  const [CallStoreRedis, RedisClient] = yield* load(
    () => Promise.all([import("../state/CallStoreRedis.ts"), import("../state/RedisClient.ts")]),
    "redis"
  )
  return Layer.provide(CallStoreRedis.layer, RedisClient.layer({ url }))
})

/** The store at this place, open and up to date when the layer is built. */
export const layer = (source: StateSource): Layer.Layer<CallStore.CallStore, DatabaseNotOpened> => {
  switch (source.kind) {
    case "memory":
      return CallStore.layerMemory
    case "sqlite":
    case "postgres":
      return Layer.provide(CallStoreSql.layer, sqlClient(source))
    case "redis":
      return Layer.unwrap(redis(source.url))
  }
}
