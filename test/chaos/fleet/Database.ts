import { Effect, Exit, Layer, Scope } from "effect"
import * as Path from "node:path"
import { PostgresServer } from "../../servers/PostgresServer.ts"

export type DatabaseKind = "postgres" | "sqlite"

/** Where the fleet's calls are kept. */
export interface Database {
  /** As `tandem run --cluster` wants it. */
  readonly url: string
  /** Nothing of it runs any more, but its connections stay open. A file cannot do that. */
  readonly pause: (() => Promise<void>) | undefined
  readonly resume: () => Promise<void>
  readonly end: () => Promise<void>
}

const sqlite = (folder: string): Database => ({
  url: `sqlite:${Path.join(folder, "cluster.db")}`,
  pause: undefined,
  resume: async () => {},
  end: async () => {}
})

const postgres = async (): Promise<Database> => {
  const scope = await Effect.runPromise(Scope.make())
  const { pause, resume, url } = await Effect.runPromise(
    Effect.gen(function* () {
      const context = yield* Layer.buildWithScope(PostgresServer.layer, scope)
      return yield* Effect.provide(PostgresServer, context)
    })
  )
  return {
    url,
    pause: () => Effect.runPromise(pause),
    resume: () => Effect.runPromise(resume),
    end: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

export const start = (kind: DatabaseKind, folder: string): Promise<Database> =>
  kind === "sqlite" ? Promise.resolve(sqlite(folder)) : postgres()
