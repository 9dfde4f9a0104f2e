import { assert, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Redacted, Scope } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import * as CallActor from "../../src/actor/CallActor.ts"
import { Call } from "../../src/actor/CallRpcs.ts"
import * as ClusterNode from "../../src/cluster/ClusterNode.ts"
import * as DatabaseClock from "../../src/cluster/DatabaseClock.ts"
import { RelayDirectory } from "../../src/cluster/RelayDirectory.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import * as CallStoreSql from "../../src/state/CallStoreSql.ts"
import * as PostgresClient from "../../src/state/PostgresClient.ts"
import { join } from "../call/Commands.ts"
import { needAll } from "../interop/Tools.ts"
import { PostgresServer } from "../servers/PostgresServer.ts"
import * as RunnerStorageSuite from "../suites/RunnerStorageSuite.ts"
import { nodeKey } from "./NodeKeys.ts"

const Database = Layer.unwrap(
  Effect.map(PostgresServer, ({ url }) => PostgresClient.layer({ url: Redacted.make(url) }))
)

/** A node with connections of its own. */
const start = Effect.fnUntraced(function* (database: typeof Database) {
  const life = yield* Scope.make()
  const layer = CallActor.layer.pipe(
    Layer.provideMerge(ClusterNode.layer({ runner: { host: "127.0.0.1", port: 0, keys: [nodeKey] } })),
    Layer.provide(CallStoreSql.layer),
    Layer.provide(database)
  )
  const context = yield* Layer.buildWithScope(Layer.fresh(layer), life)
  const sharding = Context.get(context, Sharding.Sharding)
  return {
    context,
    holds: (call: string) => sharding.hasShardId(sharding.getShardId(EntityId.make(call), "default")),
    stop: Scope.close(life, Exit.void)
  }
})

const identity = (relay: string, incarnation: number) => ({
  relay: RelayId.make(relay),
  incarnation,
  address: "203.0.113.8:3478",
  keyFingerprints: ["key"]
})

needAll(["postgres"], () => {
  RunnerStorageSuite.suite("postgres", Layer.provide(Database, PostgresServer.layer))

  it.layer(PostgresServer.layer, { excludeTestServices: true })("ClusterNode over Postgres", (it) => {
    it.effect("leases are measured by the server's clock", () =>
      Effect.gen(function* () {
        const { aheadMs } = yield* DatabaseClock.DatabaseClock
        assert.closeTo(yield* aheadMs, 0, 1000)
      }).pipe(Effect.provide(DatabaseClock.layer), Effect.provide(Database))
    )

    it.effect("nodes share the calls and know each other's relays; what one leaves the other takes", () =>
      Effect.gen(function* () {
        const nodes = [yield* start(Database), yield* start(Database)]
        const calls = Array.from({ length: 50 }, (_, index) => `call-${index}`)
        while (
          !nodes.every((node) => calls.some(node.holds)) ||
          !calls.every((call) => nodes.some((node) => node.holds(call)))
        ) {
          yield* Effect.sleep("50 millis")
        }
        const [staying, leaving] = nodes
        const call = calls.find(leaving!.holds)!
        const joinAt = (index: number) =>
          Effect.flatMap(Call.client, (callOf) => callOf(call).Join(join(index))).pipe(
            Effect.provideContext(staying!.context)
          )
        assert.strictEqual((yield* joinAt(1)).plan.participants.length, 1)

        const here = Context.get(staying!.context, RelayDirectory)
        const there = Context.get(leaving!.context, RelayDirectory)
        yield* here.register(identity("relay-a", 1))
        yield* there.register(identity("relay-b", 1))
        const { message } = yield* Effect.flip(there.register(identity("relay-a", 2)))
        assert.include(message, "a relay called relay-a is already running")
        while (here.find(RelayId.make("relay-b")) === undefined) yield* Effect.sleep("50 millis")

        yield* leaving!.stop
        assert.strictEqual((yield* joinAt(2)).plan.participants.length, 2)
        yield* staying!.stop
      }).pipe(Effect.scoped)
    )
  })
})
