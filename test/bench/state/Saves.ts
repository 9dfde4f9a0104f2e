import { Clock, Effect, Result } from "effect"
import * as CallDecision from "../../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../../src/call/CallState.ts"
import * as CallVersion from "../../../src/call/CallVersion.ts"
import { CallId } from "../../../src/protocol/Ids.ts"
import { CallStore } from "../../../src/state/CallStore.ts"
import { join, participantId } from "../../call/Commands.ts"
import * as Statistics from "../Statistics.ts"

export interface Sizes {
  /** Calls of two that are in the store while it is measured. */
  readonly calls: number
  /** Saves that are timed, and those before them that are not. */
  readonly saves: number
  readonly warmUp: number
}

/** How long one change of a call takes until it is acknowledged, with nothing else to do. Milliseconds. */
export interface Saves {
  readonly p50Ms: number
  readonly p99Ms: number
}

const changedOf = (result: Result.Result<CallDecision.Decision, CallDecision.Refusal>): CallState =>
  Result.getOrThrow(result).state

/** Of people who are in no other call. */
const addressOf = (call: number, person: number, port: number) => `10.${call >> 8}.${call & 255}.${person}:${port}`

const callOfTwo = (call: number): CallState => {
  const joined = (state: CallState, person: number) =>
    changedOf(CallDecision.join(state, join(person, { address: addressOf(call, person, 5000) }), person))
  return joined(joined(empty, 1), 2)
}

/** One of the two changes its address, which is what a store is asked for most. */
const moved = (state: CallState, call: number, port: number): CallState => {
  const { legTag } = join(1)
  return changedOf(CallDecision.move(state, { id: participantId(1), legTag, address: addressOf(call, 1, port) }))
}

export const measure = Effect.fnUntraced(function* ({ calls, saves, warmUp }: Sizes) {
  const store = yield* CallStore
  const clock = yield* Clock.Clock
  const ids = Array.from({ length: calls }, (_, index) => CallId.make(`call-${index}`))
  const states = ids.map((_, call) => callOfTwo(call))
  yield* Effect.forEach(ids, (id, index) => store.save(id, states[index]!, CallVersion.none), {
    concurrency: 16,
    discard: true
  })
  const samples = Statistics.makeSamples(saves)
  for (let count = -warmUp; count < saves; count++) {
    // Calls far from each other, in an order that is the same for every store: 7,919 is prime.
    const index = ((count + warmUp) * 7919) % calls
    const before = states[index]!
    const after = moved(before, index, 10_000 + (count + warmUp))
    const started = clock.monotonicTimeNanosUnsafe()
    yield* store.save(ids[index]!, after, before.version)
    if (count >= 0) Statistics.addSample(samples, Number(clock.monotonicTimeNanosUnsafe() - started) / 1e6)
    states[index] = after
  }
  const { p50, p99 } = Statistics.quantilesOf(samples)
  return { p50Ms: p50, p99Ms: p99 } satisfies Saves
})
