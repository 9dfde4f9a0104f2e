import { Effect, Option } from "effect"
import { RelayConfig } from "../server/RelayConfig.ts"
import * as ClusterFlag from "./ClusterFlag.ts"
import { badInput } from "./Failure.ts"
import { parse as parseProcesses } from "./ProcessesFlag.ts"
import type { Flags } from "./RunFlags.ts"
import { optionsOf, parsed } from "./RunOptions.ts"

/** A relay is loaded when it is known what it is to be, and only by the process that is one. */
export const run = Effect.fn(function* (flags: Flags) {
  const config = yield* Effect.mapError(RelayConfig, badInput)
  const count = (yield* parsed(flags.processes, config.processes, parseProcesses)) ?? 1
  const options = yield* optionsOf(flags, config, count > 1 ? Option.some(ClusterFlag.ofMachine) : Option.none())
  if (count > 1) {
    const SeveralRelays = yield* Effect.promise(() => import("./SeveralRelays.ts"))
    return yield* SeveralRelays.run(count, flags, config, options)
  }
  const OneRelay = yield* Effect.promise(() => import("./OneRelay.ts"))
  yield* OneRelay.run(flags, config, options)
})
