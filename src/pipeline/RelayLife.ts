import { Context, Effect, Layer } from "effect"
import type { RelayPlace } from "../call/CallState.ts"
import type { RelayId } from "../protocol/Ids.ts"
import { RelayCore } from "./RelayCore.ts"
import * as TrunkTable from "./TrunkTable.ts"

/** A relay of the same place answers within milliseconds, and what is lost is asked three times until then. Milliseconds. */
const answerWithinMs = 100
const lookEveryMs = 5
/** A relay that has not answered is not asked again for so long: all of its devices come at once. Milliseconds. */
const silentForMs = 1000

/** Whether other relays are there now. */
export class RelayLife extends Context.Service<
  RelayLife,
  {
    /** The trunk to the relay; `undefined`: it does not answer. */
    readonly trunkTo: (place: RelayPlace) => Effect.Effect<TrunkTable.Trunk | undefined>
  }
>()("tandem/pipeline/RelayLife") {
  static readonly layer: Layer.Layer<RelayLife, never, RelayCore> = Layer.effect(
    RelayLife,
    Effect.gen(function* () {
      const { nowMs, routing } = yield* RelayCore
      const { trunks } = routing
      const silentUntilMs = new Map<RelayId, number>()

      // What was heard before says that it was there then: it is asked in any case.
      const trunkTo = Effect.fnUntraced(function* (place: RelayPlace) {
        const askedAtMs = nowMs()
        const trunk = TrunkTable.to(trunks, place, askedAtMs)
        trunk.unusedSinceMs = askedAtMs
        const isThere = () => trunk.open !== undefined && TrunkTable.lastHeardAtMs(trunk) > askedAtMs
        if ((silentUntilMs.get(place.id) ?? -Infinity) > askedAtMs) return undefined
        TrunkTable.ask(trunks, trunk, askedAtMs)
        yield* Effect.sleep(lookEveryMs).pipe(
          Effect.repeat({ while: () => !isThere() && nowMs() - askedAtMs < answerWithinMs })
        )
        if (isThere()) return trunk
        silentUntilMs.set(place.id, nowMs() + silentForMs)
        return undefined
      })

      return RelayLife.of({ trunkTo })
    })
  )
}
