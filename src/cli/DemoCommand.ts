import { Console, Effect, FileSystem, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Demo from "../demo/Demo.ts"
import * as DemoReport from "../demo/DemoReport.ts"
import { BadInput, failed } from "./Failure.ts"
import { impairFlag, impairmentOf, repairFlag } from "./RunFlags.ts"

/** As many as a call can have. */
const participantsMax = 50

export const command = Command.make(
  "demo",
  {
    participants: Flag.Int("participants").pipe(
      Flag.withDescription("How many take part, each sending audio and video"),
      Flag.withDefault(2)
    ),
    impair: impairFlag,
    repair: repairFlag,
    audio: Flag.String("audio").pipe(
      Flag.withDescription("Ogg Opus file that everybody sends"),
      Flag.withDefault("samples/speech.opus")
    ),
    video: Flag.String("video").pipe(
      Flag.withDescription("IVF file of VP8 that everybody sends"),
      Flag.withDefault("samples/video.ivf")
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
  },
  Effect.fn(function* ({ audio, impair, json, participants, repair, video }) {
    if (participants < 2 || participants > participantsMax) {
      return yield* new BadInput({ message: `--participants ${participants}: a call has 2 to ${participantsMax}` })
    }
    const impairment = yield* impairmentOf(impair)
    const fileSystem = yield* FileSystem.FileSystem
    for (const file of [audio, video]) {
      if (yield* fileSystem.exists(file).pipe(Effect.orElseSucceed(() => false))) continue
      return yield* new BadInput({
        message: `${file} is not there: run in a clone, or name files with --audio and --video`
      })
    }
    if (!json) yield* Console.log(`a call of ${participants} over a relay, some ten seconds ...`)
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
).pipe(
  Command.withDescription("A relay and a call over it, each participant a process, and what became of every frame")
)
