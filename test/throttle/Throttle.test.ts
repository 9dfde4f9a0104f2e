import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Priority, rankOf } from "../../src/throttle/Priority.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as ThrottleSuite from "../suites/ThrottleSuite.ts"

const refusal = new Throttle.Refused({ retryAfterMs: 1500, reason: "Draining" })

/** Keeps what goes on and lets nothing new in. */
const layerDraining = Layer.succeed(
  Throttle.Throttle,
  Throttle.make((priority) => (rankOf(priority) > rankOf("resume") ? Effect.fail(refusal) : Effect.void))
)

ThrottleSuite.suite("open", Throttle.layerOpen)
ThrottleSuite.suite("draining", layerDraining)

describe("Throttle", () => {
  it.effect("the open one lets everything in", () =>
    Effect.gen(function* () {
      const throttle = yield* Throttle.Throttle
      yield* Effect.forEach(Priority.literals, (priority) => throttle.admit(priority))
    }).pipe(Effect.provide(Throttle.layerOpen))
  )

  it("the order is that of the architecture", () => {
    assert.strictEqual(rankOf("ongoing-media"), 0)
    assert.strictEqual(rankOf("group-join"), 4)
    assert.strictEqual(rankOf("probe"), 8)
  })

  it("a refusal says in one line what to do", () => {
    assert.strictEqual(refusal.message, "the relay is stopping: try another, or this one in 2 s")
    assert.strictEqual(
      new Throttle.Refused({ retryAfterMs: 900, reason: "Overloaded" }).message,
      "the relay is busy: try another, or this one in 1 s"
    )
  })
})
