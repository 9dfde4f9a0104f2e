import { Effect, Predicate, Schema, SchemaIssue, SchemaTransformation } from "effect"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import * as PlanBytes from "../call/PlanBytes.ts"

const isPlan = (value: unknown): value is ForwardingPlan =>
  Predicate.hasProperty(value, "version") && Predicate.hasProperty(value, "rows")

/** A plan as messages between nodes have it: as bytes, because plans are large and many. */
export const Plan = Schema.Uint8Array.pipe(
  Schema.decodeTo(
    Schema.declare(isPlan),
    SchemaTransformation.transformEffect({
      decode: (bytes) =>
        Effect.mapError(
          Effect.fromResult(PlanBytes.decode(bytes)),
          () => new SchemaIssue.InvalidValue({ message: "not a plan in this Tandem's format" })
        ),
      encode: (plan) => Effect.succeed(PlanBytes.encode(plan))
    })
  )
)
