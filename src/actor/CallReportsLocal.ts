import { Effect, Layer } from "effect"
import { CallReports } from "./CallReports.ts"
import { CallStarts } from "./CallStarts.ts"
import { ResidentCalls } from "./ResidentCalls.ts"

/** All actors run on this node. */
export const layer = Layer.effect(
  CallReports,
  Effect.gen(function* () {
    const residents = yield* ResidentCalls
    const starts = yield* CallStarts
    return CallReports.of({
      send: (relay, reports) =>
        Effect.forEach(
          reports,
          (report) =>
            Effect.flatMap(residents.report(relay, report), (isHere) =>
              isHere ? Effect.void : starts.put(relay, report)
            ),
          { discard: true }
        )
    })
  })
).pipe(Layer.provide(CallStarts.layer))
