import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { Context, Duration, Effect, Layer, Redacted, References } from "effect"
import * as Redis from "effect/persistence/Redis"
import { DatabaseNotOpened, reasonOf } from "./DatabaseNotOpened.ts"
import * as DatabaseUrl from "./DatabaseUrl.ts"
import { answerMs } from "./StoreAnswer.ts"

export interface Options {
  /** redis://USER:PASSWORD@HOST:PORT/NUMBER, or rediss:// for TLS. */
  readonly url: Redacted.Redacted
}

/** Between attempts to connect again. Milliseconds. */
const reconnectMs = { min: 50, max: 1000 }

/** A connection over which nothing comes, though the server is asked for a sign of life, is given up. Milliseconds. */
const silence = { pingInterval: 1000, socketTimeout: 5000 }

const connect = Effect.fnUntraced(function* ({ url }: Options) {
  let isOpened = false
  const layer = NodeRedis.layer({
    url: Redacted.value(url),
    pingInterval: silence.pingInterval,
    // Whoever asks while the server is away is told so, and asks again later; nothing is written behind his back.
    disableOfflineQueue: true,
    socket: {
      connectTimeout: answerMs,
      socketTimeout: silence.socketTimeout,
      reconnectStrategy: (retries, cause) =>
        isOpened ? Math.min(reconnectMs.min * 2 ** retries, reconnectMs.max) : cause
    }
  })
  const context = yield* Layer.build(layer).pipe(
    // The client warns of each attempt that fails. The store says once that it cannot be reached.
    Effect.provideService(References.MinimumLogLevel, "Error"),
    Effect.timeout(Duration.millis(2 * answerMs))
  )
  // By default the client waits for answers before it closes, for ever if the server is stuck.
  yield* Effect.addFinalizer(() => Effect.sync(() => Context.get(context, NodeRedis.NodeRedis).client.destroy()))
  yield* Context.get(context, Redis.Redis).send("PING")
  isOpened = true
  return context
})

/** Opens the connection anew: the one there is does not answer, and might not for a quarter of an hour. */
export const renew = ({ client }: NodeRedis.NodeRedis["Service"]): Effect.Effect<void> =>
  Effect.suspend(() => {
    // It is being opened already.
    if (!client.isReady) return Effect.void
    client.destroy()
    return Effect.ignore(Effect.tryPromise(() => client.connect()))
  })

/** Redis by its usual client, which connects again by itself. */
export const layer = (options: Options): Layer.Layer<Redis.Redis | NodeRedis.NodeRedis, DatabaseNotOpened> =>
  Layer.effectContext(
    Effect.mapError(
      connect(options),
      (error) =>
        new DatabaseNotOpened({
          message: `the database ${DatabaseUrl.withoutSecrets(options.url)} cannot be opened (${reasonOf(error)}): see that it runs, and that address, user and password are right`
        })
    )
  )
