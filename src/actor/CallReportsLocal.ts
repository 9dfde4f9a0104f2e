import { Effect, Layer } from "effect"
import { CallReports } from "./CallReports.ts"
import * as CallStarts from "./CallStarts.ts"
import type { ResidentCalls } from "./ResidentCalls.ts"

/** All actors run on this node. */
export const layer = Layer.effect(
  CallReports,
  Effect.gen(function* () {
    const context = yield* Effect.context<ResidentCalls | CallStarts.CallStarts>()
    return CallReports.of({
      send: (relay, reports) =>
        Effect.provideContext(CallStarts.deliverAll(reports.map((report) => ({ relay, report }))), context)
    })
  })
).pipe(Layer.provide(CallStarts.CallStarts.layer))
