import { Effect, Layer } from "effect"
import { CallReports } from "./CallReports.ts"
import { Call } from "./CallRpcs.ts"
import { ResidentCalls } from "./ResidentCalls.ts"

/** All actors run on this node. */
export const layer = Layer.effect(
  CallReports,
  Effect.gen(function* () {
    const residents = yield* ResidentCalls
    const callOf = yield* Call.client
    const scope = yield* Effect.scope
    return CallReports.of({
      send: (relay, reports) =>
        Effect.forEach(
          reports,
          (report) =>
            Effect.flatMap(residents.report(relay, report), (isHere) =>
              isHere || !report.isActive
                ? Effect.void
                : Effect.asVoid(Effect.forkIn(Effect.ignore(callOf(report.call).Report({ relay, report })), scope))
            ),
          { discard: true }
        )
    })
  })
)
