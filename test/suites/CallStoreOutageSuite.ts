import { assert, it } from "@effect/vitest"
import { Context, Effect, Fiber, type Layer, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../src/call/CallState.ts"
import * as CallVersion from "../../src/call/CallVersion.ts"
import { CallId } from "../../src/protocol/Ids.ts"
import { CallStore, type CallStoreError } from "../../src/state/CallStore.ts"
import { answerMs } from "../../src/state/StoreAnswer.ts"
import { join } from "../call/Commands.ts"
import * as StoreMinutes from "./StoreMinutes.ts"

/** A way to take the store away from those who use it, and to give it back. */
export interface Outage {
  readonly begin: Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

export class Outages extends Context.Service<
  Outages,
  {
    readonly ways: readonly [Outage, ...ReadonlyArray<Outage>]
    /** A store that is only locked can still be read. */
    readonly canBeRead: boolean
  }
>()("test/suites/Outages") {}

/** So many people come into the same call that each has a number of its own. */
const joined = (state: CallState, index: number): CallState =>
  Result.getOrThrow(CallDecision.join(state, join(index), index)).state

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const stepMs = 250

/** What a store says that may be away, on virtual time: it has to say something within its bound. */
export const answerOf = Effect.fnUntraced(function* <A>(asked: Effect.Effect<A, CallStoreError>) {
  const fiber = yield* Effect.forkChild(Effect.result(asked))
  for (let waitedMs = 0; waitedMs <= answerMs && fiber.pollUnsafe() === undefined; waitedMs += stepMs) {
    yield* StoreMinutes.turn
    yield* TestClock.adjust(stepMs)
    yield* StoreMinutes.turn
  }
  assert.isDefined(fiber.pollUnsafe(), "an answer within the bound")
  return yield* Fiber.join(fiber)
})

export const isUnavailable = ({ reason }: CallStoreError): boolean => reason._tag === "StoreUnavailable"

/** Asks until the store is there again, in real time: servers have no other. */
export const whenBack = <A>(asked: Effect.Effect<A, CallStoreError>): Effect.Effect<A, CallStoreError> =>
  asked.pipe(
    Effect.catch((error) =>
      isUnavailable(error)
        ? Effect.andThen(TestClock.withLive(Effect.sleep("20 millis")), whenBack(asked))
        : Effect.fail(error)
    )
  )

/** What a store promises that can go away. Each backend runs this suite, on stores that are empty at first. */
export const suite = (backend: string, layer: Layer.Layer<CallStore | Outages, unknown>): void => {
  it.layer(layer)(`CallStore that goes away (${backend})`, (it) => {
    let calls = 0
    const nextCall = () => CallId.make(`away-${++calls}`)

    it.effect("is unavailable within the bound while it is away, and works again when it is back", () =>
      Effect.gen(function* () {
        const store = yield* CallStore
        const { canBeRead, ways } = yield* Outages
        for (const outage of ways) {
          const id = nextCall()
          const before = joined(empty, 1)
          const after = joined(before, 2)
          yield* store.save(id, before, CallVersion.none)
          yield* outage.begin
          const writes: ReadonlyArray<Effect.Effect<unknown, CallStoreError>> = [
            store.save(id, after, before.version),
            store.checkpoint(id, Uint8Array.of(1)),
            store.keep([id])
          ]
          const reads: ReadonlyArray<Effect.Effect<unknown, CallStoreError>> = [
            store.load(id),
            store.findByAddress(join(1).address),
            store.loadCheckpoint(id)
          ]
          for (const asked of canBeRead ? writes : [...writes, ...reads]) {
            const answer = yield* answerOf(asked)
            assert.isTrue(Result.isFailure(answer) && isUnavailable(answer.failure))
          }
          yield* outage.end
          // What was being written may have been stored all the same, soon or a little later.
          const { version } = yield* whenBack(store.load(id))
          const removed = yield* Effect.result(whenBack(store.remove(id, version)))
          if (Result.isFailure(removed)) yield* whenBack(store.remove(id, after.version))
          assert.deepStrictEqual(yield* whenBack(store.load(id)), empty)
        }
      })
    )

    it.effect.prop(
      "loses nothing that it has acknowledged, and a save without an answer is stored whole or not at all",
      [Schema.Array(Schema.Struct({ turns: between(0, 8), way: between(0, 9) })).check(Schema.isMaxLength(4))],
      ([outages]) =>
        Effect.gen(function* () {
          const store = yield* CallStore
          const { ways } = yield* Outages
          const id = nextCall()
          let stored = empty
          let index = 0
          for (const { turns, way } of outages) {
            const outage = ways[way % ways.length]!
            const next = joined(stored, ++index)
            const saving = yield* Effect.forkChild(answerOf(store.save(id, next, stored.version)))
            for (let count = 0; count < turns; count++) yield* Effect.yieldNow
            yield* outage.begin
            const answer = yield* Fiber.join(saving)
            yield* outage.end

            const seen = yield* whenBack(store.load(id))
            const possible = Result.isSuccess(answer) ? [next] : [stored, next]
            assert.deepInclude(possible, seen)
            // What was late may come after it was looked for; whoever writes then is told, and looks again.
            const another = joined(seen, ++index)
            const told = yield* Effect.result(whenBack(store.save(id, another, seen.version)))
            stored = yield* whenBack(store.load(id))
            assert.deepStrictEqual(
              stored,
              Result.isSuccess(told) || stored.version.number > next.version.number ? another : next
            )
          }
        }),
      { arbitrary: { runs: 10, size: 10 } }
    )
  })

  it.layer(layer)(`calls of a CallStore that was away (${backend})`, (it) => {
    it.effect("are not forgotten before relays had time to keep them", () =>
      Effect.gen(function* () {
        const store = yield* CallStore
        const [outage] = (yield* Outages).ways
        const [idle, kept] = [CallId.make("idle"), CallId.make("kept")]
        const state = joined(empty, 1)
        yield* store.save(idle, state, CallVersion.none)
        yield* store.save(kept, state, CallVersion.none)
        yield* outage.begin
        for (let minutes = 0; minutes < 30; minutes++) yield* StoreMinutes.passAway
        yield* outage.end
        yield* whenBack(store.load(idle))
        let minutes = 0
        while ((yield* store.load(idle)).participants.length > 0) {
          yield* StoreMinutes.pass
          minutes += 1
          assert.isAtMost(minutes, 20)
          // The relays are slow to find back.
          if (minutes > 5) yield* store.keep([kept])
        }
        assert.isAtLeast(minutes, 9, "the time away is no part of its life")
        assert.deepStrictEqual(yield* store.load(kept), state)
      })
    )
  })
}
