import { Context, Effect, Layer, Semaphore, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { DatabaseNotOpened, reasonOf } from "./DatabaseNotOpened.ts"

export interface Options {
  /** A path; `:memory:` for a database that is gone with its scope. */
  readonly file: string
}

/**
 * How long a statement waits while another process writes. It waits in this thread, which may be one that forwards
 * packets. Milliseconds.
 */
const busyMs = 50
/** The same while it is opened, when another process may be making it and this one forwards nothing yet. Milliseconds. */
const openMs = 2000
/** Statements differ by the number of rows that they insert, so there are not many. */
const statementsMax = 200

/** A process that dies loses nothing with NORMAL; a machine that loses power may lose what it wrote last. */
const pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON"

const open = ({ file }: Options) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const database = new DatabaseSync(file, { timeout: openMs })
        try {
          database.exec(`${pragmas}; PRAGMA busy_timeout = ${busyMs}`)
          return database
        } catch (error) {
          database.close()
          throw error
        }
      },
      catch: (error) =>
        new DatabaseNotOpened({
          message: `the database ${file} cannot be opened (${reasonOf(error)}): name a file in a directory that exists and that you may write to`
        })
    }),
    (database) => Effect.sync(() => database.close())
  )

const inputOf = (value: unknown): SQLInputValue =>
  typeof value === "boolean" ? Number(value) : value instanceof Date ? value.toISOString() : (value as SQLInputValue)

const connect = (database: DatabaseSync): Connection => {
  const statements = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    if (statements.size === statementsMax) statements.clear()
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }

  const run = (sql: string, parameters: ReadonlyArray<unknown>, asArrays: boolean) =>
    Effect.withFiber<ReadonlyArray<object>, SqlError>((fiber) =>
      Effect.try({
        try: () => {
          const statement = prepare(sql)
          const inputs = parameters.map(inputOf)
          const returnsRows = statement.columns().length > 0
          // `run` reads the last row's id, and throws where that is no safe integer.
          statement.setReadBigInts(!returnsRows || Context.get(fiber.context, SqlClient.SafeIntegers))
          statement.setReturnArrays(asArrays)
          if (returnsRows) return statement.all(...inputs)
          statement.run(...inputs)
          return []
        },
        catch: (cause) => new SqlError({ reason: classifySqliteError(cause, { operation: "execute" }) })
      })
    )

  type Transform = (<A extends object>(rows: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined
  const execute = (sql: string, parameters: ReadonlyArray<unknown>, transform: Transform) =>
    Effect.map(run(sql, parameters, false), (rows) => transform?.(rows) ?? rows)
  const values = (sql: string, parameters: ReadonlyArray<unknown>) =>
    Effect.map(run(sql, parameters, true), (rows) => rows as ReadonlyArray<ReadonlyArray<unknown>>)

  return {
    execute,
    executeUnprepared: execute,
    executeRaw: (sql, parameters) => run(sql, parameters, false),
    executeValues: values,
    executeValuesUnprepared: values,
    executeStream: (sql, parameters, transform) =>
      Stream.unwrap(Effect.map(execute(sql, parameters, transform), Stream.fromIterable))
  }
}

const make = Effect.fnUntraced(function* (options: Options) {
  const database = yield* open(options)
  const semaphore = yield* Semaphore.make(1)
  const connection = Effect.succeed(connect(database))
  return yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({ connection, semaphore, isTransaction: () => database.isTransaction }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "node-sqlite",
    // A transaction that begins by reading may find at its first write that it has no right to write any more.
    beginTransaction: "BEGIN IMMEDIATE",
    spanAttributes: [["db.system.name", "sqlite"]]
  })
})

/** Node's own SQLite as Effect's SQL client. Every statement runs in this thread. */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, DatabaseNotOpened> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))
