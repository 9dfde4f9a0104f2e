import { assert, it } from "@effect/vitest"
import { Effect, type Layer, Metric } from "effect"
import { Priority } from "../../src/throttle/Priority.ts"
import { admissions, type AdmissionRequest, refusals, Throttle } from "../../src/throttle/Throttle.ts"

const counted = Effect.fnUntraced(function* (priority: Priority) {
  const admitted = yield* Metric.value(Metric.withAttributes(admissions, { priority }))
  const refused = yield* Metric.value(Metric.withAttributes(refusals, { priority }))
  return { admitted: Number(admitted.count), refused: Number(refused.count) }
})

const asking = (priority: Priority): AdmissionRequest => ({ priority, caller: "ada", tenant: "key-1" })

/** What every Throttle promises, at whatever load the layer is under. Each kind runs this same suite. */
export const suite = (kind: string, layer: Layer.Layer<Throttle, unknown>) =>
  it.layer(layer)(`Throttle (${kind})`, (it) => {
    it.effect("lets the media of ongoing calls in", () =>
      Effect.gen(function* () {
        const throttle = yield* Throttle
        yield* throttle.admit(asking("ongoing-media"))
      })
    )

    it.effect("refuses from the bottom of the order, and says when to come back", () =>
      Effect.gen(function* () {
        const throttle = yield* Throttle
        let hasRefused = false
        for (const priority of Priority.literals) {
          const refusal = yield* throttle
            .admit(asking(priority))
            .pipe(Effect.as(undefined), Effect.catch(Effect.succeed))
          if (refusal !== undefined) assert.isAbove(refusal.retryAfterMs, 0)
          assert.isFalse(hasRefused && refusal === undefined, `${priority} was let in, and something above it was not`)
          hasRefused ||= refusal !== undefined
        }
      })
    )

    it.effect("counts every decision by its priority", () =>
      Effect.gen(function* () {
        const throttle = yield* Throttle
        for (const priority of Priority.literals) {
          const before = yield* counted(priority)
          const isAdmitted = yield* Effect.isSuccess(throttle.admit(asking(priority)))
          assert.deepStrictEqual(yield* counted(priority), {
            admitted: before.admitted + (isAdmitted ? 1 : 0),
            refused: before.refused + (isAdmitted ? 0 : 1)
          })
        }
      })
    )
  })
