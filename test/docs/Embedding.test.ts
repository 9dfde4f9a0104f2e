import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Context, Effect, FileSystem, Layer, Logger, Ref, Schema, Stream } from "effect"
import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { HttpClient, HttpClientResponse, HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import * as KeyRing from "tandem/access/keys"
import * as CallToken from "tandem/access/token"
import * as CallClient from "tandem/client"
import * as CallVersion from "tandem/call/version"
import { CallId, ParticipantId } from "tandem/protocol/ids"
import * as Relay from "tandem/server"
import * as Network from "tandem/sockets/portable"
import { Throttle } from "tandem/throttle"
import { CallStore, CallStoreError, StaleVersion } from "tandem/state"
import * as CallStoreLaws from "tandem/state/laws"
import * as NodeSqlite from "tandem/state/sqlite"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Backend from "../../docs/embedding/Backend.ts"
import * as FleetNode from "../../docs/embedding/FleetNode.ts"
import * as MeetingStore from "../../docs/embedding/MeetingStore.ts"
import * as OwnPolicy from "../../docs/embedding/OwnPolicy.ts"

const host = "127.0.0.1"
const quiet = Logger.layer([])
const keyRing = KeyRing.make({ keys: [{ id: "first", secret: new Uint8Array(KeyRing.secretBytes).fill(7) }] })
const opus = { kind: "audio", codec: "opus", clockRate: 48_000, payloadType: 111 } as const

/** A device that speaks every 20 ms until its scope ends. Gives what it has heard. */
const talk = Effect.fnUntraced(function* (relay: string, token: CallToken.CallToken) {
  const client = yield* CallClient.join({ relays: [relay], token, streams: [opus], sharedSecret: undefined, host })
  const heardOf = yield* Ref.make<ReadonlySet<string>>(new Set())
  yield* client.packets.pipe(
    Stream.runForEach(({ participant }) => Ref.update(heardOf, (heard) => new Set(heard).add(participant))),
    Effect.forkScoped
  )
  let timestamp = 0
  yield* Effect.suspend(() =>
    client.send(client.streams[0]!, {
      payload: Uint8Array.of(1),
      timestamp: (timestamp += 960),
      marker: false,
      descriptor: 127
    })
  ).pipe(Effect.andThen(Effect.sleep("20 millis")), Effect.forever, Effect.forkScoped)
  return Ref.get(heardOf)
})

const eventually = <A>(ask: Effect.Effect<ReadonlySet<A>>, has: A): Effect.Effect<void> =>
  Effect.flatMap(ask, (set) =>
    set.has(has) ? Effect.void : Effect.andThen(Effect.sleep("10 millis"), eventually(ask, has))
  )

const hearEachOther = Effect.fnUntraced(function* (
  ada: readonly [relay: string, CallToken.CallToken],
  lin: readonly [relay: string, CallToken.CallToken]
) {
  const heardByAda = yield* talk(...ada)
  const heardByLin = yield* talk(...lin)
  yield* eventually(heardByAda, "lin")
  yield* eventually(heardByLin, "ada")
})

const Admission = Schema.Struct({ relay: Schema.String, token: Schema.String })

const admit = Effect.fnUntraced(function* (url: string, participant: string) {
  const response = yield* HttpClient.post(`${url}/calls/hello/participants/${participant}`)
  const { relay, token } = yield* HttpClientResponse.schemaBodyJson(Admission)(response)
  return [relay, yield* Effect.fromResult(CallToken.parseCredential(token))] as const
})

/** The store of the example with the mistake that is made most often. */
const inTwoSteps = Layer.effect(
  CallStore,
  Effect.map(CallStore, (store) =>
    CallStore.of({
      ...store,
      save: Effect.fnUntraced(function* (id, state, expected) {
        const { version: stored } = yield* store.load(id)
        if (!CallVersion.equals(stored, expected)) {
          return yield* new CallStoreError({ reason: new StaleVersion({ stored }) })
        }
        yield* Effect.yieldNow
        const { version } = yield* store.load(id)
        yield* store.save(id, state, version)
      })
    })
  )
).pipe(Layer.provide(MeetingStore.layer))

const root = Path.join(import.meta.dirname, "../..")
const read = (file: string): string => Fs.readFileSync(Path.join(root, file), "utf8")

/** The blocks of this language in a page. */
const blocks = (file: string, language: string): ReadonlyArray<string> =>
  [...read(file).matchAll(new RegExp("^```" + language + "\\n(.*?)^```", "gms"))].map(([, block = ""]) => block)

describe("the examples of docs/embedding.md", () => {
  it.live("a backend lets two devices into a call, in which they hear each other, and stops", () =>
    Effect.gen(function* () {
      const options = { host, httpPort: 0, udpPort: 0, keyRing }
      const ports = yield* Effect.scoped(
        Effect.gen(function* () {
          const context = yield* Layer.build(Backend.layer(options))
          const { address } = Context.get(context, HttpServer.HttpServer)
          const httpPort = NetAddress.isInetAddress(address) ? address.port : 0
          const url = `http://${host}:${httpPort}`
          const ada = yield* admit(url, "ada")
          const lin = yield* admit(url, "lin")
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* hearEachOther(ada, lin)
              const response = yield* HttpClient.get(`${url}/calls/hello/participants`)
              assert.deepStrictEqual(yield* response.json, ["ada", "lin"])
            })
          )
          const refused = yield* HttpClient.post(`${url}/calls/hello/participants/${"x".repeat(65)}`)
          assert.strictEqual(refused.status, 400)
          return { httpPort, udpPort: Number(ada[0].split(":")[1]) }
        })
      )
      // It can be started at the same ports, so it has closed them.
      yield* Effect.scoped(Layer.build(Backend.layer({ ...options, ...ports })))
    }).pipe(Effect.provide([NodeHttpClient.layerNodeHttp, Network.layer, quiet]))
  )

  it.effect("a policy of its own refuses to some, and leaves the others to the throttle behind it", () =>
    Effect.gen(function* () {
      const { admit } = yield* Throttle
      const ask = (tenant: string, priority: "new-group-video" | "resume" | "new-one-to-one-audio") =>
        Effect.isSuccess(Effect.suspend(() => admit({ caller: "ada", priority, tenant })))
      assert.isFalse(yield* ask("trial", "new-group-video"))
      assert.isTrue(yield* ask("trial", "new-one-to-one-audio"))
      assert.isTrue(yield* ask("paying", "new-group-video"))
    }).pipe(Effect.provide(OwnPolicy.layer))
  )

  it.live("two nodes of a fleet over one database carry a call between them", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const file = Path.join(yield* files.makeTempDirectoryScoped(), "application.db")
      const node = (relayId: string) =>
        Effect.map(
          Layer.build(
            FleetNode.layer({ relayId, host, udpPort: 0, nodePort: 0, drainTimeoutMs: 1000, keyRing }).pipe(
              Layer.provide(NodeSqlite.layer({ file })),
              Layer.fresh
            )
          ),
          (context) => Context.get(context, Relay.Relay).address
        )
      const relays = [yield* node("one"), yield* node("two")] as const
      const token = (participant: string) =>
        CallToken.mint(keyRing, {
          call: CallId.make("hello"),
          participant: ParticipantId.make(participant),
          callClass: "group-audio",
          expiresAtSeconds: 2 ** 40
        })
      yield* Effect.scoped(hearEachOther([relays[0], token("ada")], [relays[1], token("lin")]))
    }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, Network.layer, quiet]))
  )

  it.effect("the laws say what is wrong with a store that compares in one step and writes in another", () =>
    Effect.gen(function* () {
      const broken = yield* Effect.forEach(CallStoreLaws.laws, ({ check }) => Effect.result(check()))
      const said = Arr.getFailures(broken).map(({ message }) => message.split("\n")[0])
      assert.deepStrictEqual(said, [
        "of several who write at once exactly one wins: number of writers who were not refused: expected 1, got 2",
        "whoever writes while another removes is refused, or the other is: the remove is refused: expected true, got false"
      ])
    }).pipe(Effect.provide(inTwoSteps), Effect.provide([NodeSqlite.layer({ file: ":memory:" }), quiet]))
  )

  it("what the page shows is in the files, and what README.md shows, too", () => {
    const page = blocks("docs/embedding.md", "ts")
    const files = Fs.readdirSync(Path.join(root, "docs/embedding"))
    const texts = files.map((file) => read(Path.join("docs/embedding", file)))
    assert.isAbove(page.length, 0)
    const elsewhere = page.filter((block) => !texts.some((text) => text.includes(block)))
    assert.deepStrictEqual(elsewhere, [])
    for (const file of files) assert.include(read("docs/embedding.md"), `(embedding/${file})`)
    const [embed = "no block"] = blocks("README.md", "js")
    assert.include(read("test/package/embed.mjs"), embed)
  })
})
