import { Command, Flag } from "effect/cli"
import { handlerOf } from "./LoadedHandler.ts"
import { impairFlag, repairFlag } from "./RunFlags.ts"

const flags = {
  participants: Flag.Int("participants").pipe(
    Flag.withDescription("How many take part, each sending audio and video"),
    Flag.withDefault(2)
  ),
  group: Flag.Int("group").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(
      "A group of 3 to 20 instead, who take turns and send three sizes: who is heard, and who sees which"
    ),
    Flag.optional
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
}
export type Flags = Command.Command.Config.Infer<typeof flags>

export const command = Command.make(
  "demo",
  flags,
  handlerOf(() => import("./DemoHandler.ts"))
).pipe(
  Command.withDescription("A relay and a call over it, each participant a process, and what became of every frame")
)
