import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { RelayDirectory, RelayEntry, RelayIdentity } from "../../src/cluster/RelayDirectory.ts"
import { RelayId } from "../../src/protocol/Ids.ts"

type Directory = RelayDirectory["Service"]

/** Two processes' view of the directory: of one that is in memory, the same. */
export interface Directories {
  readonly here: Directory
  readonly there: Directory
}

const identity = (name: string, change: Partial<RelayIdentity> = {}): RelayIdentity => ({
  relay: RelayId.make(name),
  incarnation: 1,
  address: "203.0.113.8:3478",
  keyFingerprints: ["key-1", "key-2"],
  ...change
})

/** Lets beats and looks happen. */
const settle = TestClock.adjust("3 seconds")
const names = (entries: ReadonlyArray<RelayEntry>) => entries.map(({ relay }) => String(relay)).toSorted()

/** May take time: whoever registers looks whether an obstacle is alive. */
const registered = Effect.fnUntraced(function* (directory: Directory, relay: RelayIdentity) {
  const fiber = yield* Effect.forkChild(directory.register(relay))
  yield* settle
  return yield* Fiber.join(fiber)
})

/** What every RelayDirectory promises. Each kind runs this same suite, each test with a directory of its own. */
export const suite = (kind: string, make: Effect.Effect<Directories, unknown, Scope.Scope>) =>
  it.layer(Layer.empty)(`RelayDirectory (${kind})`, (it) => {
    it.effect("relays know each other while they run, and what they have to do", () =>
      Effect.gen(function* () {
        const { here, there } = yield* make
        const life = yield* Scope.make()
        yield* registered(here, identity("relay-a"))
        yield* registered(there, identity("relay-b", { address: "203.0.113.9:3478" })).pipe(Scope.provide(life))
        assert.deepStrictEqual(names(here.all()), ["relay-a", "relay-b"])
        assert.deepStrictEqual(names(there.others(RelayId.make("relay-b"))), ["relay-a"])
        assert.propertyVal(here.find(RelayId.make("relay-b")), "address", "203.0.113.9:3478")
        assert.isUndefined(here.find(RelayId.make("relay-c")))
        yield* there.update(RelayId.make("relay-b"), { participants: 7, isDraining: true })
        yield* settle
        assert.deepInclude(here.find(RelayId.make("relay-b")), { participants: 7, isDraining: true })
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(names(here.all()), ["relay-a", "relay-b"])
        yield* Scope.close(life, Exit.void)
        yield* settle
        assert.deepStrictEqual(names(here.all()), ["relay-a"])
      }).pipe(Effect.scoped)
    )

    it.effect("tells changes as they come, and not every beat", () =>
      Effect.gen(function* () {
        const { here, there } = yield* make
        const seen: Array<ReadonlyArray<string>> = []
        yield* here.changes.pipe(
          Stream.runForEach((entries) => Effect.sync(() => void seen.push(names(entries)))),
          Effect.forkScoped
        )
        yield* registered(here, identity("relay-a"))
        yield* registered(there, identity("relay-b"))
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(seen, [[], ["relay-a"], ["relay-a", "relay-b"]])
      }).pipe(Effect.scoped)
    )

    it.effect("refuses the name of a relay that is running", () =>
      Effect.gen(function* () {
        const { here, there } = yield* make
        yield* registered(here, identity("relay-a"))
        const { message } = yield* Effect.flip(registered(there, identity("relay-a", { incarnation: 2 })))
        assert.strictEqual(
          message,
          "a relay called relay-a is already running at 203.0.113.8:3478: give this one another name"
        )
        yield* TestClock.adjust("20 seconds")
        assert.propertyVal(there.find(RelayId.make("relay-a")), "incarnation", 1)
      }).pipe(Effect.scoped)
    )

    it.effect("refuses a relay of another fleet, and takes one that has a key in common", () =>
      Effect.gen(function* () {
        const { here, there } = yield* make
        yield* registered(here, identity("relay-a"))
        const foreign = identity("relay-b", { keyFingerprints: ["key-3"] })
        const { message } = yield* Effect.flip(registered(there, foreign))
        assert.strictEqual(message, "this relay has no fleet key in common with relay-a: give both the same key file")
        yield* registered(there, identity("relay-b", { keyFingerprints: ["key-3", "key-2"] }))
        assert.deepStrictEqual(names(here.all()), ["relay-a", "relay-b"])
      }).pipe(Effect.scoped)
    )

    it.effect("a name is free again when its relay has gone", () =>
      Effect.gen(function* () {
        const { here, there } = yield* make
        const life = yield* Scope.make()
        yield* registered(here, identity("relay-a")).pipe(Scope.provide(life))
        yield* Scope.close(life, Exit.void)
        yield* registered(there, identity("relay-a", { incarnation: 2 }))
        assert.propertyVal(there.find(RelayId.make("relay-a")), "incarnation", 2)
      }).pipe(Effect.scoped)
    )
  })
