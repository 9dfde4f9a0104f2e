import { Effect, Layer, Logger, Result } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import * as CallActor from "../../../src/actor/CallActor.ts"
import { Call } from "../../../src/actor/CallRpcs.ts"
import * as ClusterNode from "../../../src/cluster/ClusterNode.ts"
import { CallId } from "../../../src/protocol/Ids.ts"
import * as StateLayer from "../../../src/server/StateLayer.ts"
import * as CallStoreSql from "../../../src/state/CallStoreSql.ts"
import type { Question } from "../../cluster/NodeProgram.ts"
import * as PinnedProcess from "../PinnedProcess.ts"
import { nodeKey } from "../../cluster/NodeKeys.ts"

const program = `${import.meta.dirname}/../../cluster/NodeProgram.ts`

/** Nodes in processes of their own. With the one that is in this process a majority is left when one of them dies. */
const children = 3

/** By these is seen whether every shard has its holder. */
const probes = Array.from({ length: 1000 }, (_, index) => `probe-${index}`)

/** A runner that has just acquired shards acquires no more for a second. */
const untilShardsRest = "1100 millis"

/** This process as one of the nodes: what a relay asks of its node is asked of it. */
export const layer = (url: string) =>
  CallActor.layer.pipe(
    Layer.provideMerge(ClusterNode.layer({ runner: { host: "127.0.0.1", port: 0, keys: [nodeKey] } })),
    Layer.provide(CallStoreSql.layer),
    Layer.provide(StateLayer.sqlClient(Result.getOrThrow(StateLayer.parseCluster(url)))),
    Layer.provide(Logger.layer([]))
  )

const startChild = (url: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      PinnedProcess.start({
        name: "a node",
        command: [process.execPath, "--disable-warning=ExperimentalWarning", program, url],
        core: undefined,
        // The node in this process and the database have none, and would be starved by those who do.
        hasPriority: false
      })
    ),
    (child) => Effect.promise(() => PinnedProcess.end(child))
  )

/** Which of these calls have, or would have, their actor at this child. */
export const heldBy = (child: PinnedProcess.PinnedProcess, calls: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const answered = PinnedProcess.nextMessage<{ readonly result: { readonly value: ReadonlyArray<string> } }>(child)
    child.child.send({ id: 0, ask: "holds", calls } satisfies Question)
    return (await answered).result.value
  })

const heldHere = Effect.fnUntraced(function* (calls: ReadonlyArray<string>) {
  const sharding = yield* Sharding.Sharding
  return calls.filter((call) => {
    const id = EntityId.make(call)
    return sharding.hasShardId(sharding.getShardId(id, Call.getShardGroup(id)))
  })
})

/** Resolves when every shard has a holder, every node has shards, and none has moved for more than a second. */
const untilSettled = Effect.fnUntraced(function* (nodes: ReadonlyArray<PinnedProcess.PinnedProcess>) {
  const held = Effect.gen(function* () {
    return [yield* heldHere(probes), ...(yield* Effect.forEach(nodes, (node) => heldBy(node, probes)))]
  })
  const isWhole = (parts: ReadonlyArray<ReadonlyArray<string>>) =>
    parts.flat().length === probes.length && parts.every(({ length }) => length > 0)
  for (let before = yield* held; ;) {
    yield* Effect.sleep(isWhole(before) ? untilShardsRest : "50 millis")
    const now = yield* held
    if (isWhole(before) && JSON.stringify(now) === JSON.stringify(before)) return
    before = now
  }
})

/** Starts the other nodes, which end with the scope, and returns the one that is to die. */
export const start = Effect.fnUntraced(function* (url: string) {
  const nodes = yield* Effect.forEach(Array.from({ length: children }), () => startChild(url), {
    concurrency: "unbounded"
  })
  yield* Effect.promise(() => Promise.all(nodes.map((node) => PinnedProcess.nextMessage<"ready">(node))))
  yield* untilSettled(nodes)
  return nodes[0]!
})

/** So many calls that all have their actors at this child. */
export const callsOf = Effect.fnUntraced(function* (child: PinnedProcess.PinnedProcess, count: number) {
  const found: Array<CallId> = []
  for (let batch = 0; found.length < count; batch++) {
    const names = Array.from({ length: 4 * count }, (_, index) => `call-${batch}-${index}`)
    found.push(...(yield* heldBy(child, names)).map((call) => CallId.make(call)))
  }
  return found.slice(0, count)
})
