import { assert, it } from "@effect/vitest"
import { Arbitrary, Effect, type Layer, Option, Result, Schema } from "effect"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../src/call/CallState.ts"
import * as CallVersion from "../../src/call/CallVersion.ts"
import { CallId } from "../../src/protocol/Ids.ts"
import { CallStore, type CallStoreError } from "../../src/state/CallStore.ts"
import * as StoreMinutes from "./StoreMinutes.ts"
import { decide, join, participantId, randomCommands } from "../call/Commands.ts"

const joined = (state: CallState, index: number, nowMs = 0): CallState =>
  Result.getOrThrow(CallDecision.join(state, join(index), nowMs)).state

/** The version that the store holds instead, if it refused the write as stale. */
const staleVersion = <A>(write: Effect.Effect<A, CallStoreError>) =>
  write.pipe(
    Effect.as(Option.none<CallVersion.CallVersion>()),
    Effect.catchReason("CallStoreError", "StaleVersion", ({ stored }) => Effect.succeedSome(stored))
  )

/** Random commands to three calls, some of them written by somebody who does not know the stored version. */
const steps = randomCommands.pipe(
  Arbitrary.flatMap((commands) =>
    Arbitrary.array(
      Arbitrary.schema(
        Schema.Struct({ call: Schema.Literals([0, 1, 2]), isStale: Schema.Literals([false, false, false, true]) })
      ),
      { minLength: commands.length, maxLength: commands.length }
    ).pipe(Arbitrary.map((choices) => commands.map((command, index) => ({ command, ...choices[index]! }))))
  )
)

/** Of the default life of a call. */
const lifeMinutes = 10
/** By then it is forgotten. */
const minutesMax = 13

/** A few hundred writes, so that a store behind a network is done in seconds. */
const few = { arbitrary: { runs: 30, size: 25 } }

/** What every CallStore promises. Each backend runs this same suite, on a store that is empty at first. */
export const suite = (backend: string, layer: Layer.Layer<CallStore, unknown>) =>
  it.layer(layer)(`CallStore (${backend})`, (it) => {
    let calls = 0
    const nextCall = () => CallId.make(`call-${++calls}`)

    it.effect("an unknown call is empty and can be forgotten", () =>
      Effect.gen(function* () {
        const store = yield* CallStore
        const id = nextCall()
        assert.deepStrictEqual(yield* store.load(id), empty)
        yield* store.remove(id, CallVersion.none)
        assert.deepStrictEqual(yield* store.findByAddress("192.0.2.200:1"), Option.none())
        assert.deepStrictEqual(yield* store.loadCheckpoint(id), Option.none())
      })
    )

    it.effect.prop(
      "does what a map with versions does, and finds whoever is at an address",
      [steps],
      ([steps]) =>
        Effect.gen(function* () {
          const store = yield* CallStore
          const ids = [nextCall(), nextCall(), nextCall()] as const
          const model = new Map<CallId, CallState>(ids.map((id) => [id, empty]))
          // Every run has ports of its own: what an earlier run has left is not its business.
          const port = (port: number) => 4 * calls + port
          for (const [nowMs, { call, command, isStale }] of steps.entries()) {
            const id = ids[call]
            const state = model.get(id)!
            const result = decide(state, { ...command, port: port(command.port) }, nowMs)
            if (Result.isFailure(result) || result.success.state === state) continue
            const next = result.success.state
            const expected = isStale ? next.version : state.version
            const write = next.participants.length > 0 ? store.save(id, next, expected) : store.remove(id, expected)
            assert.deepStrictEqual(yield* staleVersion(write), isStale ? Option.some(state.version) : Option.none())
            if (!isStale) model.set(id, next.participants.length > 0 ? next : empty)

            assert.deepStrictEqual(yield* store.load(id), model.get(id))
            for (const address of [1, 2, 3, 4].map((number) => `203.0.113.9:${port(number)}`)) {
              const claims = [...model].flatMap(([call, { participants }]) =>
                participants.filter((participant) => participant.address === address).map((claim) => ({ call, claim }))
              )
              const last = claims.sort((left, right) => left.claim.joinedAtMs - right.claim.joinedAtMs).at(-1)
              assert.deepStrictEqual(
                yield* store.findByAddress(address),
                last === undefined ? Option.none() : Option.some({ call: last.call, participant: last.claim.id })
              )
            }
          }
        }),
      few
    )

    it.effect.prop(
      "of several who write at once exactly one wins",
      [Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 8 })), Schema.Boolean],
      ([writers, isFirstWrite]) =>
        Effect.gen(function* () {
          const store = yield* CallStore
          const id = nextCall()
          const before = isFirstWrite ? empty : joined(empty, 100)
          if (!isFirstWrite) yield* store.save(id, before, CallVersion.none)
          const states = Array.from({ length: writers }, (_, index) => joined(before, index))
          const refused = yield* Effect.forEach(
            states,
            (state) => staleVersion(store.save(id, state, before.version)),
            { concurrency: "unbounded" }
          )
          const winners = states.filter((_, index) => Option.isNone(refused[index]!))
          assert.strictEqual(winners.length, 1)
          assert.deepStrictEqual(yield* store.load(id), winners[0])
          for (const stored of refused.flatMap(Option.toArray)) assert.deepStrictEqual(stored, winners[0]!.version)
        }),
      few
    )

    it.effect("whoever writes while another removes is refused, or the other is", () =>
      Effect.gen(function* () {
        const store = yield* CallStore
        const id = nextCall()
        const before = joined(empty, 1)
        const after = joined(before, 2)
        yield* store.save(id, before, CallVersion.none)
        const [saved, removed] = yield* Effect.all(
          [staleVersion(store.save(id, after, before.version)), staleVersion(store.remove(id, before.version))],
          { concurrency: "unbounded" }
        )
        assert.notStrictEqual(Option.isNone(saved), Option.isNone(removed))
        assert.deepStrictEqual(yield* store.load(id), Option.isNone(saved) ? after : empty)
      })
    )

    it.effect("an owner of the past is refused, though it counts as far as the present one", () =>
      Effect.gen(function* () {
        const store = yield* CallStore
        const id = nextCall()
        const former = joined(CallDecision.takeOver(empty, 1_000), 1)
        yield* store.save(id, former, CallVersion.none)
        yield* store.remove(id, former.version)
        const present = joined(CallDecision.takeOver(empty, 2_000), 2)
        yield* store.save(id, present, CallVersion.none)
        assert.strictEqual(former.version.number, present.version.number)
        const refused = yield* staleVersion(store.save(id, joined(former, 3), former.version))
        assert.deepStrictEqual(refused, Option.some(present.version))
        assert.deepStrictEqual(yield* staleVersion(store.remove(id, former.version)), Option.some(present.version))
        assert.deepStrictEqual(yield* store.load(id), present)
      })
    )

    it.effect("of two at one address the one who has joined last is found, and the other when that one leaves", () =>
      Effect.gen(function* () {
        const store = yield* CallStore
        const [early, late] = [nextCall(), nextCall()]
        const address = join(150).address
        const [first, second] = [joined(empty, 150, 1), joined(empty, 150, 2)]
        yield* store.save(late, second, CallVersion.none)
        yield* store.save(early, first, CallVersion.none)
        const participant = participantId(150)
        assert.deepStrictEqual(yield* store.findByAddress(address), Option.some({ call: late, participant }))
        yield* store.remove(late, second.version)
        assert.deepStrictEqual(yield* store.findByAddress(address), Option.some({ call: early, participant }))
        yield* store.remove(early, first.version)
        assert.deepStrictEqual(yield* store.findByAddress(address), Option.none())
      })
    )

    it.effect.prop(
      "keeps the last checkpoint of a call as long as the call",
      [Schema.Uint8Array, Schema.Uint8Array],
      ([first, last]) =>
        Effect.gen(function* () {
          const store = yield* CallStore
          const id = nextCall()
          yield* store.checkpoint(id, first)
          assert.deepStrictEqual(yield* store.loadCheckpoint(id), Option.none(), "no call, no checkpoint")
          const state = joined(empty, 1)
          yield* store.save(id, state, CallVersion.none)
          yield* store.checkpoint(id, first)
          yield* store.checkpoint(id, last)
          const next = joined(state, 2)
          yield* store.save(id, next, state.version)
          const kept = Option.map(yield* store.loadCheckpoint(id), (bytes) => [...bytes])
          assert.deepStrictEqual(kept, Option.some([...last]))
          yield* store.remove(id, next.version)
          assert.deepStrictEqual(yield* store.loadCheckpoint(id), Option.none())
        }),
      few
    )

    /** Virtual minutes until the call is forgotten, with something done in each. */
    const minutesUntilForgotten = Effect.fnUntraced(function* (
      id: CallId,
      everyMinute: Effect.Effect<void, CallStoreError>
    ) {
      const store = yield* CallStore
      for (let minutes = 1; minutes <= minutesMax; minutes++) {
        yield* StoreMinutes.pass
        yield* everyMinute
        if ((yield* store.load(id)).participants.length === 0) return minutes
      }
      return yield* Effect.die(new Error(`${id} is not forgotten in ${minutesMax} minutes`))
    })

    it.effect("forgets a call that is neither saved nor kept, after its life, and no other", () =>
      Effect.gen(function* () {
        const store = yield* CallStore
        const [idle, kept, written, unknown] = [nextCall(), nextCall(), nextCall(), nextCall()]
        const [first, second] = [joined(empty, 160), joined(empty, 161)]
        let third = joined(empty, 162)
        yield* store.save(idle, first, CallVersion.none)
        yield* store.save(kept, second, CallVersion.none)
        yield* store.save(written, third, CallVersion.none)
        yield* store.checkpoint(idle, Uint8Array.of(1))
        yield* store.checkpoint(kept, Uint8Array.of(2))
        const everyMinute = Effect.gen(function* () {
          yield* store.keep([unknown, kept])
          const next = CallDecision.takeOver(third, 0)
          yield* store.save(written, next, third.version)
          third = next
        })
        assert.isAtLeast(yield* minutesUntilForgotten(idle, everyMinute), lifeMinutes)
        assert.deepStrictEqual(yield* store.findByAddress(join(160).address), Option.none())
        assert.deepStrictEqual(yield* store.loadCheckpoint(idle), Option.none())

        const participant = participantId(161)
        assert.deepStrictEqual(yield* store.load(kept), second)
        assert.deepStrictEqual(yield* store.findByAddress(join(161).address), Option.some({ call: kept, participant }))
        assert.isTrue(Option.isSome(yield* store.loadCheckpoint(kept)))
        assert.deepStrictEqual(yield* store.load(written), third)
        assert.deepStrictEqual(yield* store.load(unknown), empty, "keeping makes no calls")

        const owner = yield* staleVersion(store.save(idle, joined(first, 163), first.version))
        assert.deepStrictEqual(owner, Option.some(CallVersion.none), "who had it is told that it is gone")
        const again = joined(empty, 164)
        yield* store.save(idle, again, CallVersion.none)
        assert.deepStrictEqual(yield* store.load(idle), again)
      })
    )

    it.effect("forgets many calls at a time", () =>
      Effect.gen(function* () {
        const store = yield* CallStore
        const ids = Array.from({ length: 250 }, nextCall)
        const state = joined(empty, 170)
        yield* Effect.forEach(ids, (id) => store.save(id, state, CallVersion.none), { concurrency: 10 })
        yield* minutesUntilForgotten(ids[0]!, Effect.void)
        for (const id of ids) assert.deepStrictEqual(yield* store.load(id), empty)
        assert.deepStrictEqual(yield* store.findByAddress(join(170).address), Option.none())
      })
    )
  })
