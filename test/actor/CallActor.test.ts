import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Layer, Result, Schema, Stream } from "effect"
import { ShardingConfig } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as PlanFeed from "../../src/actor/PlanFeed.ts"
import { ResidentCalls } from "../../src/actor/ResidentCalls.ts"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { empty } from "../../src/call/CallState.ts"
import * as CallVersion from "../../src/call/CallVersion.ts"
import type { ForwardingPlan } from "../../src/call/ForwardingPlan.ts"
import { CallId, RelayId } from "../../src/protocol/Ids.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import { commandOf, decide, join, participantId, type RandomCommand, randomCommands, resume } from "../call/Commands.ts"
import { makeFailing, startActor } from "./Stores.ts"

const TestServices = Layer.mergeAll(
  CallStore.layerMemory,
  PlanFeed.layerMemory,
  ResidentCalls.layer,
  ShardingConfig.layer()
)
const id = CallId.make("call-1")
const leaveOf = (index: number) => ({ id: participantId(index), legTag: join(index).legTag, restores: 0 })

type Actor = Effect.Success<ReturnType<typeof startActor>>

/** What is published for a relay, in the background; `seen` grows with every plan. */
const watch = Effect.fnUntraced(function* (relay = "relay-a") {
  const feed = yield* PlanFeed.PlanFeed
  const seen: Array<ForwardingPlan> = []
  yield* feed.watch(RelayId.make(relay)).pipe(
    Stream.runForEach(({ call, plan }) =>
      Effect.sync(() => {
        assert.strictEqual(call, id)
        seen.push(plan)
      })
    ),
    Effect.forkScoped
  )
  yield* settle
  return seen
})

/** Lets every fiber that can run do so. */
const settle = TestClock.adjust("1 millis")

const reasonOf = <A, E>(effect: Effect.Effect<A, E>) =>
  effect.pipe(
    Effect.as("nothing"),
    Effect.catch((error) =>
      Effect.succeed(error instanceof CallStore.CallStoreError ? error.reason._tag : (error as { _tag: string })._tag)
    )
  )

const names = (plan: ForwardingPlan | undefined) => plan?.participants.map(({ id }) => id)

describe("CallActor", () => {
  it.effect("publishes a newer plan for every change, to the relays that have or had participants", () =>
    Effect.gen(function* () {
      const actor = yield* startActor(yield* CallStore.CallStore, id)
      const seen = yield* watch()
      const elsewhere = yield* watch("relay-b")
      const { epoch, plan } = yield* actor.Join(join(1))
      assert.isAbove(epoch, 0)
      yield* settle
      assert.deepStrictEqual(seen, [plan])
      yield* actor.Join(join(2))
      yield* settle
      yield* actor.Resume(resume(1, { epoch }))
      yield* settle
      assert.deepStrictEqual(seen.map(names), [
        [participantId(1)],
        [participantId(1), participantId(2)],
        [participantId(1), participantId(2)]
      ])
      assert.deepStrictEqual(seen[2]?.participants[0]?.relay, "relay-b")
      assert.deepStrictEqual(elsewhere, [seen[2]])
      for (const [index, plan] of seen.entries()) {
        if (index > 0) assert.isTrue(CallVersion.isNewer(plan.version, seen[index - 1]!.version))
      }
    }).pipe(Effect.provide(TestServices))
  )

  it.effect("answers a repeated command alike, and publishes nothing for it", () =>
    Effect.gen(function* () {
      const actor = yield* startActor(yield* CallStore.CallStore, id)
      const seen = yield* watch()
      const first = yield* actor.Join(join(1))
      assert.deepStrictEqual(yield* actor.Join(join(1)), first)
      const resumed = yield* actor.Resume(resume(1))
      assert.deepStrictEqual(yield* actor.Resume(resume(1)), resumed)
      yield* settle
      assert.strictEqual(seen.length, 2)
    }).pipe(Effect.provide(TestServices))
  )

  it.effect("refuses with the reason", () =>
    Effect.gen(function* () {
      const actor = yield* startActor(yield* CallStore.CallStore, id)
      yield* actor.Join(join(1))
      const taken = join(2, { streams: join(1).streams })
      assert.strictEqual(yield* reasonOf(actor.Join(taken)), "SsrcTaken")
      assert.strictEqual(yield* reasonOf(actor.Resume(resume(1, { epoch: 0 }))), "StaleEpoch")
      assert.strictEqual(yield* reasonOf(actor.Resume(resume(2))), "UnknownParticipant")
      assert.strictEqual(yield* reasonOf(actor.Move({ ...leaveOf(2), address: "192.0.2.1:1" })), "UnknownParticipant")
      yield* actor.Leave(leaveOf(2))
    }).pipe(Effect.provide(TestServices))
  )

  it.effect("a call that nobody has joined has no plan, and leaves nothing in the store", () =>
    Effect.gen(function* () {
      const store = yield* CallStore.CallStore
      const actor = yield* startActor(store, id)
      const seen = yield* watch()
      yield* actor.Leave(leaveOf(1))
      yield* settle
      assert.deepStrictEqual(seen, [])
      assert.deepStrictEqual(yield* store.load(id), empty)
      yield* actor.Join(join(1))
      yield* settle
      assert.deepStrictEqual(seen.map(names), [[participantId(1)]])
    }).pipe(Effect.provide(TestServices))
  )

  it.effect("when the last has left the store forgets the call, and one that begins again is newer", () =>
    Effect.gen(function* () {
      const store = yield* CallStore.CallStore
      const actor = yield* startActor(store, id)
      const seen = yield* watch()
      yield* actor.Join(join(1))
      yield* settle
      yield* actor.Leave(leaveOf(1))
      yield* settle
      assert.deepStrictEqual(names(seen.at(-1)), [])
      assert.deepStrictEqual(yield* store.load(id), empty)
      yield* actor.Join(join(2))
      yield* settle
      assert.isTrue(CallVersion.isNewer(seen[2]!.version, seen[1]!.version))

      yield* actor.Leave(leaveOf(2))
      yield* settle
      yield* TestClock.adjust("1 minute")
      const elsewhere = yield* startActor(store, id)
      const last = seen.at(-1)!
      const { plan } = yield* elsewhere.Join(join(3))
      assert.isTrue(CallVersion.isNewer(plan.version, last.version))
    }).pipe(Effect.provide(TestServices))
  )

  it.effect("a new owner has saved its epoch before it publishes the plan that it found", () =>
    Effect.gen(function* () {
      const store = yield* CallStore.CallStore
      const { plan } = yield* (yield* startActor(store, id)).Join(join(1))
      const seen = yield* watch()
      yield* (yield* startActor(store, id)).Leave(leaveOf(2))
      yield* settle
      assert.deepStrictEqual(seen.map(names), [[participantId(1)]])
      assert.isAbove(seen[0]!.version.ownerEpoch, plan.version.ownerEpoch)
      assert.isTrue(CallVersion.equals((yield* store.load(id)).version, seen[0]!.version))
    }).pipe(Effect.provide(TestServices))
  )

  it.effect("a call that another node has written meanwhile is taken back with all that was written", () =>
    Effect.gen(function* () {
      const store = yield* CallStore.CallStore
      const here = yield* startActor(store, id)
      const there = yield* startActor(store, id)
      yield* here.Join(join(1))
      const seen = yield* watch()
      yield* there.Join(join(2))
      const { plan } = yield* here.Join(join(3))
      yield* settle
      assert.deepStrictEqual(names(plan), [1, 2, 3].map(participantId))
      assert.deepStrictEqual(seen.at(-1), plan)

      // The command is refused for what it did not know, and that is news to the relays.
      yield* there.Join(join(4))
      assert.strictEqual(yield* reasonOf(here.Join(join(5, { streams: join(4).streams }))), "SsrcTaken")
      yield* settle
      assert.deepStrictEqual(names(seen.at(-1)), [1, 2, 3, 4].map(participantId))
      assert.isTrue(CallVersion.equals((yield* store.load(id)).version, seen.at(-1)!.version))
    }).pipe(Effect.provide(TestServices))
  )

  it.effect("an actor from which the call is taken again and again gives it up, and does not stay behind", () =>
    Effect.gen(function* () {
      const memory = yield* CallStore.CallStore
      let isContested = false
      const store: typeof memory = {
        ...memory,
        save: Effect.fnUntraced(function* (id, state, expected) {
          if (isContested) {
            const before = yield* memory.load(id)
            yield* memory.save(id, CallDecision.takeOver(before, 0), before.version)
          }
          yield* memory.save(id, state, expected)
        })
      }
      const actor = yield* startActor(store, id)
      yield* actor.Join(join(1))
      isContested = true
      const seen = yield* watch()
      assert.strictEqual(yield* reasonOf(actor.Join(join(2))), "StaleVersion")
      yield* settle
      assert.deepStrictEqual(seen, [], "what is not saved is not published")
      isContested = false
      yield* actor.Join(join(2))
      yield* settle
      assert.deepStrictEqual(names(seen[0]), [participantId(1), participantId(2)])
    }).pipe(Effect.provide(TestServices))
  )
})

describe("CallActor without its store", () => {
  it.effect("refuses what has to be saved, and works again when the store does", () =>
    Effect.gen(function* () {
      const store = makeFailing(yield* CallStore.CallStore)
      store.isAway = true
      const actor = yield* startActor(store, id)
      assert.strictEqual(yield* reasonOf(actor.Join(join(1))), "StoreUnavailable")
      store.isAway = false
      const seen = yield* watch()
      yield* actor.Join(join(1))
      yield* settle
      store.isAway = true
      assert.strictEqual(yield* reasonOf(actor.Join(join(2))), "StoreUnavailable")
      assert.strictEqual(yield* reasonOf(actor.Leave(leaveOf(1))), "StoreUnavailable")
      yield* settle
      assert.deepStrictEqual(seen.map(names), [[participantId(1)]])
    }).pipe(Effect.provide(TestServices))
  )

  it.effect("lets a device move, and saves the address when it is told again and the store is back", () =>
    Effect.gen(function* () {
      const store = makeFailing(yield* CallStore.CallStore)
      const actor = yield* startActor(store, id)
      const seen = yield* watch()
      const move = actor.Move({ ...leaveOf(1), address: "192.0.2.2:2" })
      yield* actor.Join(join(1))
      yield* settle
      store.isAway = true
      assert.strictEqual(yield* reasonOf(move), "StoreUnavailable")
      yield* settle
      assert.strictEqual(seen.length, 2, "it has taken effect")
      assert.strictEqual(yield* reasonOf(move), "StoreUnavailable")
      store.isAway = false
      assert.strictEqual((yield* store.load(id)).participants[0]?.address, join(1).address)
      yield* move
      assert.strictEqual((yield* store.load(id)).participants[0]?.address, "192.0.2.2:2")
      yield* settle
      const newest = seen.at(-1)!.version
      assert.isTrue(CallVersion.equals((yield* store.load(id)).version, newest))
      assert.deepStrictEqual(seen[1]!.version, newest, "what has taken effect is not newer when it is saved")
    }).pipe(Effect.provide(TestServices))
  )

  it.effect("a new owner whose epoch is not saved does not let anybody move", () =>
    Effect.gen(function* () {
      const memory = yield* CallStore.CallStore
      yield* (yield* startActor(memory, id)).Join(join(1))
      const store = makeFailing(memory)
      const actor = yield* startActor({ ...store, load: memory.load }, id)
      store.isAway = true
      assert.strictEqual(yield* reasonOf(actor.Move({ ...leaveOf(1), address: "192.0.2.1:1" })), "StoreUnavailable")
    }).pipe(Effect.provide(TestServices))
  )
})

/** The same random command as `decide` has, as an RPC. */
const send = (actor: Actor, random: RandomCommand): Effect.Effect<unknown, unknown> => {
  const { kind, command } = commandOf(random)
  switch (kind) {
    case "join":
      return actor.Join(command)
    case "resume":
      return actor.Resume(command)
    case "restore":
      return actor.Restore(command)
    case "move":
      return actor.Move(command)
    case "leave":
      return actor.Leave(command)
  }
}

/** A command, and whether the actor's node dies before it arrives. */
const commandsAndCrashes = randomCommands.pipe(
  Arbitrary.flatMap((commands) =>
    Arbitrary.array(Arbitrary.schema(Schema.Literals([false, false, false, true])), {
      minLength: commands.length,
      maxLength: commands.length
    }).pipe(Arbitrary.map((crashes) => commands.map((command, index) => ({ command, isCrash: crashes[index]! }))))
  )
)

describe("CallActor on nodes that die", () => {
  it.effect.prop(
    "decides as one pure call would that nothing ever happens to",
    [commandsAndCrashes],
    ([steps]) =>
      Effect.gen(function* () {
        const store = yield* CallStore.CallStore
        let actor = yield* startActor(store, id)
        let model = empty
        let newest = CallVersion.none
        for (const { command, isCrash } of steps) {
          if (isCrash) actor = yield* startActor(store, id)
          const expected = decide(model, command, 0)
          const refusal = yield* reasonOf(send(actor, command))
          assert.strictEqual(refusal, Result.isFailure(expected) ? expected.failure._tag : "nothing")
          if (Result.isSuccess(expected)) model = expected.success.state
          const stored = yield* store.load(id)
          assert.deepStrictEqual(stored.participants, model.participants)
          assert.isFalse(stored.participants.length > 0 && CallVersion.isNewer(newest, stored.version))
          newest = stored.version
        }
      }).pipe(Effect.provide(Layer.fresh(TestServices))),
    { arbitrary: { runs: 50, size: 40 } }
  )
})
