import { Console, Effect, Option } from "effect"
import * as Demo from "../demo/Demo.ts"
import * as DemoReport from "../demo/DemoReport.ts"
import type { Flags } from "./DemoCommand.ts"
import { findSamples } from "./DemoSamples.ts"
import { BadInput, failed } from "./Failure.ts"
import * as GroupDemoHandler from "./GroupDemoHandler.ts"
import { impairmentOf } from "./Impairing.ts"

/** As many as a call can have. */
const participantsMax = 50

export const run = Effect.fn(function* (flags: Flags) {
  const { audio, group, impair, json, participants, repair, video } = flags
  if (Option.isSome(group)) return yield* GroupDemoHandler.run(flags, group.value)
  if (participants < 2 || participants > participantsMax) {
    return yield* new BadInput({ message: `--participants ${participants}: a call has 2 to ${participantsMax}` })
  }
  const impairment = yield* impairmentOf(impair)
  yield* findSamples([audio, video])
  if (!json) yield* Console.log(`a call of ${participants} over a relay, some ${29 + participants} seconds ...`)
  const report = yield* Demo.run({
    participants,
    impair: Option.getOrUndefined(impair)?.replace(/,?seed=[^,]*/, ""),
    seed: impairment?.seed ?? "1",
    hopDelayMs: impairment?.latencyMs ?? 0,
    repair,
    audio,
    video
  }).pipe(
    Effect.scoped,
    Effect.catchTag("DemoFailed", (error) => Effect.fail(failed(error)))
  )
  yield* Console.log(json ? JSON.stringify(report) : DemoReport.format(report))
})
