import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Result } from "effect"
import * as Redis from "effect/persistence/Redis"
import { empty } from "../../src/call/CallState.ts"
import { CallId } from "../../src/protocol/Ids.ts"
import { CallStore } from "../../src/state/CallStore.ts"
import * as CallStoreRedis from "../../src/state/CallStoreRedis.ts"
import * as RedisClient from "../../src/state/RedisClient.ts"
import { needAll } from "../interop/Tools.ts"
import { RedisServer } from "../servers/RedisServer.ts"
import * as TcpLink from "../servers/TcpLink.ts"
import * as CallStoreOutageSuite from "../suites/CallStoreOutageSuite.ts"
import { answerOf, isUnavailable, Outages, whenBack } from "../suites/CallStoreOutageSuite.ts"
import * as CallStoreSuite from "../suites/CallStoreSuite.ts"

const storeAt = (url: string) =>
  CallStoreRedis.layer.pipe(Layer.provideMerge(RedisClient.layer({ url: Redacted.make(url) })))
const store = Layer.unwrap(Effect.map(RedisServer, ({ url }) => storeAt(url)))

const outages = Layer.effect(
  Outages,
  Effect.map(RedisServer, ({ pause, resume, start, stop }) => {
    const stuck = { begin: pause, end: resume }
    const down = { begin: stop, end: start }
    return Outages.of({ ways: [stuck, down], canBeRead: false })
  })
)

/** Why a store at this URL is not opened. */
const refusal = (url: string) =>
  Effect.map(Effect.flip(Effect.scoped(Layer.build(storeAt(url)))), ({ message }) => message)

needAll(["redis-server"], () => {
  CallStoreSuite.suite("redis", Layer.provide(store, RedisServer.layer))
  CallStoreOutageSuite.suite("redis", Layer.provide(Layer.merge(store, outages), RedisServer.layer))

  it.layer(RedisServer.layer)("CallStoreRedis", (it) => {
    const send = Effect.fnUntraced(function* (command: string, ...args: ReadonlyArray<string>) {
      const { url } = yield* RedisServer
      const sent = Effect.flatMap(Redis.Redis, (redis) => redis.send(command, ...args))
      yield* Effect.provide(sent, RedisClient.layer({ url: Redacted.make(url) }))
      return url
    })

    it.effect("opens a connection anew that is lost without being closed", () =>
      Effect.gen(function* () {
        const { port } = yield* RedisServer
        const link = yield* TcpLink.make(port)
        const context = yield* Layer.build(storeAt(`redis://127.0.0.1:${link.port}`))
        const { load } = Context.get(context, CallStore)
        const id = CallId.make("call")
        assert.deepStrictEqual(yield* load(id), empty)
        yield* link.lose
        const answer = yield* answerOf(load(id))
        assert.isTrue(Result.isFailure(answer) && isUnavailable(answer.failure))
        assert.deepStrictEqual(yield* whenBack(load(id)), empty)
      })
    )

    it.effect("is not opened with a wrong password, and does not show it", () =>
      Effect.gen(function* () {
        const url = yield* send("ACL", "SETUSER", "ada", "on", ">sesame", "~*", "+@all")
        const message = yield* refusal(url.replace("//", "//ada:simsim@"))
        assert.match(
          message,
          /^the database redis:\/\/127\.0\.0\.1:\d+ cannot be opened \(WRONGPASS .*user and password/
        )
        assert.notMatch(message, /simsim|sesame/)
      })
    )

    it.effect("is not opened without the right to write", () =>
      Effect.gen(function* () {
        const url = yield* send("ACL", "SETUSER", "reader", "on", "nopass", "~*", "-@all", "+@connection")
        assert.match(yield* refusal(url.replace("//", "//reader:x@")), /NOPERM .*the right to use keys and scripts/)
      })
    )

    it.effect("is not opened when a newer Tandem has written it", () =>
      Effect.gen(function* () {
        const url = yield* send("SET", "tandem:schema", "1000")
        assert.include(yield* refusal(url), "was written by a newer Tandem (schema 1000, this one knows 1)")
      })
    )
  })
})
