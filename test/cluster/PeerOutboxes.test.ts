import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { RunnerAddress } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as PeerOutboxes from "../../src/cluster/PeerOutboxes.ts"

const [a, b] = [RunnerAddress.make("10.0.0.1", 1), RunnerAddress.make("10.0.0.2", 1)]

/** Nodes that answer, do not, or keep one waiting; and what each has got, a message for each array. */
const scene = Effect.gen(function* () {
  const got = new Map<RunnerAddress.RunnerAddress, Array<ReadonlyArray<string>>>([
    [a, []],
    [b, []]
  ])
  const nodes = { dead: new Set<unknown>(), gone: new Set<unknown>(), answerMs: 10 }
  const { put } = yield* PeerOutboxes.make<string>({
    merge: (before, after) => `${before}+${after}`,
    mayRetry: (node) => !nodes.gone.has(node),
    batchMax: 3,
    send: (node, batch) =>
      Effect.delay(
        Effect.suspend(() => {
          if (nodes.dead.has(node)) return Effect.fail("dead")
          got.get(node)!.push(batch)
          return Effect.void
        }),
        nodes.answerMs
      )
  })
  return { got, nodes, put }
})

describe("PeerOutboxes", () => {
  it.effect("what comes while a message is on its way is in the next, one value for each key", () =>
    Effect.gen(function* () {
      const { got, put } = yield* scene
      yield* put(a, "x", "1")
      yield* TestClock.adjust("1 millis")
      for (const value of ["2", "3"]) yield* put(a, "x", value)
      for (const key of ["y", "z", "w"]) yield* put(a, key, key)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(got.get(a), [["1"], ["2+3", "y", "z"], ["w"]])
      yield* put(a, "x", "4")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(got.get(a)!.at(-1), ["4"])
    })
  )

  it.effect("a dead node holds up nobody, and gets later what it is still to get", () =>
    Effect.gen(function* () {
      const { got, nodes, put } = yield* scene
      nodes.dead.add(a)
      yield* put(a, "x", "1")
      yield* put(b, "x", "1")
      yield* TestClock.adjust("1 second")
      yield* put(a, "x", "2")
      yield* put(b, "x", "2")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(got.get(b), [["1"], ["2"]])
      assert.deepStrictEqual(got.get(a), [])
      nodes.dead.delete(a)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(got.get(a), [["1+2"]])
    })
  )

  it.effect("what was for a node that is gone is forgotten", () =>
    Effect.gen(function* () {
      const { got, nodes, put } = yield* scene
      nodes.dead.add(a)
      nodes.gone.add(a)
      yield* put(a, "x", "1")
      yield* TestClock.adjust("1 second")
      nodes.dead.delete(a)
      nodes.gone.delete(a)
      yield* put(a, "x", "2")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(got.get(a), [["2"]])
    })
  )
})
