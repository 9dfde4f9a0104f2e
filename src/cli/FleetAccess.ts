import { Effect, Option } from "effect"
import * as FleetOperations from "../server/FleetOperations.ts"
import { RelayConfig } from "../server/RelayConfig.ts"
import * as StateLayer from "../server/StateLayer.ts"
import * as ClusterFlag from "./ClusterFlag.ts"
import { type BadInput, badInput, type Failed, failed } from "./Failure.ts"

/** Runs with the cluster of the flag, or of the environment. */
export const withCluster = (
  flag: Option.Option<string>,
  effect: Effect.Effect<void, BadInput | Failed | FleetOperations.ClusterNotFound, FleetOperations.FleetOperations>
) =>
  Effect.gen(function* () {
    const config = yield* Effect.mapError(RelayConfig, badInput)
    const text = Option.firstSomeOf([flag, config.cluster]).pipe(Option.getOrElse(() => ClusterFlag.ofMachine))
    const database = yield* Effect.mapError(Effect.fromResult(StateLayer.parseCluster(text)), badInput)
    return yield* Effect.provide(effect, FleetOperations.layer(database))
  }).pipe(
    Effect.catchTags({
      ClusterNotFound: (error) => Effect.fail(failed(error)),
      DatabaseNotOpened: (error) => Effect.fail(failed(error))
    })
  )

export const secondsAgo = ({ seenAgoMs }: { readonly seenAgoMs: number }): string =>
  `${(seenAgoMs / 1000).toFixed(1)} s ago`
