import { Clock, DateTime, Effect, FileSystem, Path, Result, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as KeyRing from "../access/KeyRing.ts"

/** Where a relay that is given no key file keeps one of its own, and where the command line looks for it. */
export const developmentKeyFile = ".tandem/development-keys.json"

/** The key file cannot be read or made. `message` says what to do. */
export class KeyFileUnusable extends Schema.TaggedError<KeyFileUnusable>()("KeyFileUnusable", {
  message: Schema.String
}) {}

const unusable = (message: string) => new KeyFileUnusable({ message })

/** The keys of a file that must be there. */
export const read = Effect.fn("KeyFile.read")(function* (path: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* fileSystem
    .readFileString(path)
    .pipe(
      Effect.mapError((error) =>
        error.reason._tag === "NotFound"
          ? unusable(`there is no key file at ${path}: give the relay's with --keys, or run "tandem run" here first`)
          : unusable(`the key file ${path} cannot be read (${error.reason._tag}): look at its permissions`)
      )
    )
  const ring = KeyRing.parse(text)
  if (Result.isFailure(ring)) return yield* unusable(`${path}: ${ring.failure.message}`)
  return ring.success
})

/** The keys for a relay on a developer's machine: made at the first start, readable only by its owner. */
export const readOrMakeForDevelopment = Effect.fn("KeyFile.readOrMakeForDevelopment")(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const exists = yield* fileSystem.exists(developmentKeyFile).pipe(Effect.orElseSucceed(() => false))
  if (exists) return yield* read(developmentKeyFile)
  const random = yield* SecureRandom.SecureRandom
  const secret = yield* random.randomBytes(KeyRing.secretBytes)
  const createdAt = DateTime.formatIsoDateUtc(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
  const file: KeyRing.KeyFile = { keys: [{ id: "development", secret, createdAt }] }
  const text = JSON.stringify(yield* Effect.orDie(Schema.encodeEffect(KeyRing.KeyFile)(file)), undefined, 2)
  yield* fileSystem.makeDirectory(path.dirname(developmentKeyFile), { recursive: true }).pipe(
    Effect.andThen(fileSystem.writeFileString(developmentKeyFile, `${text}\n`, { mode: 0o600 })),
    Effect.mapError((error) =>
      unusable(
        `${developmentKeyFile} cannot be written (${error.reason._tag}): run where you may write, or give a file with --keys`
      )
    )
  )
  return KeyRing.make(file)
})
