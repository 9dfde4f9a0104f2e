import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { Array, Effect, Layer, Option, Schema } from "effect"
import * as Redis from "effect/persistence/Redis"
import { type AddressText, type CallState, empty } from "../call/CallState.ts"
import * as CallVersion from "../call/CallVersion.ts"
import { CallId, ParticipantId } from "../protocol/Ids.ts"
import * as CallExpiry from "./CallExpiry.ts"
import { CallStore, CallStoreError, StaleVersion } from "./CallStore.ts"
import { DatabaseNotOpened, reasonOf, refuseNewer } from "./DatabaseNotOpened.ts"
import * as RedisClient from "./RedisClient.ts"
import * as RedisScripts from "./RedisScripts.ts"
import * as StoreAnswer from "./StoreAnswer.ts"
import * as StoredState from "./StoredState.ts"

/** Who is at an address, as the member of a set. */
const Member = Schema.fromJsonString(Schema.Tuple([CallId, ParticipantId]))

/** The client's arguments and answers are text. */
const Bytes = Schema.Uint8ArrayFromBase64

const claimsOf = (id: CallId, { participants }: CallState): ReadonlyArray<RedisScripts.Claim> =>
  participants.map(({ id: participant, address, joinedAtMs }) => [
    address,
    JSON.stringify([id, participant]),
    joinedAtMs
  ])

/** Each message to Redis names not more calls than this: others have their turn between two. */
const keptAtOnce = 500

const make = Effect.fnUntraced(function* (options: CallExpiry.Options) {
  const redis = yield* Redis.Redis
  const renew = RedisClient.renew(yield* NodeRedis.NodeRedis)

  const answered = <A, R>(asked: Effect.Effect<A, CallStoreError | Redis.RedisError, R>) =>
    StoreAnswer.inTime(
      Effect.catchTag(asked, "RedisError", ({ cause }) => Effect.fail(StoreAnswer.unavailable(cause))),
      renew
    )

  /** Fails if a script has written nothing because another version is stored. */
  const unlessStale = Effect.flatMap((stored: readonly [string, string] | null) => {
    if (stored === null) return Effect.void
    const version = new CallVersion.CallVersion({ ownerEpoch: Number(stored[0]), number: Number(stored[1]) })
    return Effect.fail(new CallStoreError({ reason: new StaleVersion({ stored: version }) }))
  })

  const field = (id: CallId, name: string) => redis.send<string | null>("HGET", `tandem:call:${id}`, name)

  const load = Effect.fnUntraced(function* (id: CallId) {
    const text = yield* field(id, "state")
    return text === null ? empty : yield* StoredState.decode(id, text)
  }, answered)

  const save = Effect.fnUntraced(function* (id: CallId, state: CallState, expected: CallVersion.CallVersion) {
    const { number, ownerEpoch } = state.version
    const text = yield* StoredState.encode(state)
    const claims = JSON.stringify(claimsOf(id, state))
    const saved = redis.eval(RedisScripts.save)
    yield* unlessStale(saved(id, expected.ownerEpoch, expected.number, ownerEpoch, number, text, claims))
  }, answered)

  const remove = Effect.fnUntraced(function* (id: CallId, expected: CallVersion.CallVersion) {
    yield* unlessStale(redis.eval(RedisScripts.remove)(id, expected.ownerEpoch, expected.number))
  }, answered)

  const findByAddress = Effect.fnUntraced(function* (address: AddressText) {
    const [member] = yield* redis.send<ReadonlyArray<string>>("ZRANGE", `tandem:address:${address}`, "-1", "-1")
    if (member === undefined) return Option.none()
    const [call, participant] = yield* Effect.orDie(Schema.decodeEffect(Member)(member))
    return Option.some({ call, participant })
  }, answered)

  const checkpoint = Effect.fnUntraced(function* (id: CallId, ephemeral: Uint8Array) {
    yield* redis.eval(RedisScripts.checkpoint)(id, yield* Effect.orDie(Schema.encodeEffect(Bytes)(ephemeral)))
  }, answered)

  const loadCheckpoint = Effect.fnUntraced(function* (id: CallId) {
    const text = yield* field(id, "checkpoint")
    return text === null ? Option.none() : Option.some(yield* Effect.orDie(Schema.decodeEffect(Bytes)(text)))
  }, answered)

  const keep = (ids: ReadonlyArray<CallId>) =>
    Effect.forEach(Array.chunksOf(ids, keptAtOnce), (some) => answered(redis.eval(RedisScripts.keep)(...some)), {
      discard: true
    })

  const rounds: CallExpiry.Rounds<CallStoreError> = {
    current: answered(Effect.map(redis.send<string | null>("GET", "tandem:round"), Number)),
    end: (round) => answered(Effect.map(redis.eval(RedisScripts.endRound)(round), (ended) => ended === 1)),
    forgetBefore: (round, atMost) => answered(redis.eval(RedisScripts.forgetBefore)(round, atMost))
  }
  yield* Effect.forkScoped(CallExpiry.run(rounds, options))

  return CallStore.of({ load, save, remove, findByAddress, checkpoint, loadCheckpoint, keep })
})

const checkSchema = Effect.gen(function* () {
  const redis = yield* Redis.Redis
  const { schema } = RedisScripts
  const found = yield* Effect.mapError(
    redis.eval(RedisScripts.claimSchema)(schema),
    (error) =>
      new DatabaseNotOpened({
        message: `Redis cannot be written to (${reasonOf(error)}): give its user the right to use keys and scripts`
      })
  )
  yield* refuseNewer(Number(found), schema)
})

/** `layer` with another life of calls. */
export const layerWith = (options: CallExpiry.Options) =>
  Layer.effect(CallStore, Effect.andThen(checkSchema, make(options)))

/** Calls in a Redis server, 7 or later. What it keeps over its own restart is for its configuration to say. */
export const layer = layerWith({})
