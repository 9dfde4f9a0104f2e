import { Console, Effect, Option, Path } from "effect"
import { DemoFailed } from "../demo/DemoProcess.ts"
import * as GroupDemo from "../demo/GroupDemo.ts"
import * as GroupReport from "../demo/GroupReport.ts"
import { CallId, ParticipantId } from "../protocol/Ids.ts"
import { developmentKeyFile } from "../server/KeyFile.ts"
import * as Network from "../server/Network.ts"
import * as CallTracks from "./CallTracks.ts"
import type { Flags } from "./DemoCommand.ts"
import { findSamples } from "./DemoSamples.ts"
import { BadInput, failed } from "./Failure.ts"
import { impairmentOf } from "./Impairing.ts"
import { sayWhy } from "./Joining.ts"
import { mint } from "./TokenHandler.ts"

/** Of two nobody has to be chosen, and more than 20 are too much for the machines that a demo is seen on. */
const participantsMin = 3
const participantsMax = 20

/** Of the sample that `--video` is if nothing else is said. */
const smallerSizes = ["samples/video-180.ivf", "samples/video-90.ivf"]

export const run = Effect.fn(function* ({ audio, impair, json, repair, video }: Flags, participants: number) {
  if (participants < participantsMin || participants > participantsMax) {
    return yield* new BadInput({
      message: `--group ${participants}: a group of this demo has ${participantsMin} to ${participantsMax}`
    })
  }
  yield* findSamples([audio, video, ...smallerSizes])
  const impairment = yield* impairmentOf(impair)
  const path = yield* Path.Path
  const [heard, ...layers] = yield* CallTracks.read({
    audio: Option.some(audio),
    video: Option.some(video),
    simulcast: smallerSizes
  })
  if (!json) yield* Console.log(`a call of ${participants} who take turns, some 25 seconds ...`)
  const report = yield* GroupDemo.run({
    participants,
    audio: heard!,
    video: layers,
    relayArgs: [...(repair ? [] : ["--no-repair"]), ...Option.match(impair, relayImpaired)],
    repair,
    tokenOf: (folder, name) =>
      mint({
        keys: Option.some(path.join(folder, developmentKeyFile)),
        call: CallId.make(GroupDemo.call),
        participant: ParticipantId.make(name),
        callClass: "group-video",
        expiresInSeconds: 300
      }).pipe(Effect.mapError(({ message }) => new DemoFailed({ message })))
  }).pipe(Effect.scoped, Effect.provide(Network.layer(impairment)), Effect.catchTags(why))
  yield* Console.log(json ? JSON.stringify(report) : GroupReport.format(report))
})

const { CallLost: _lost, ...whyNoCall } = sayWhy
const why = { ...whyNoCall, DemoFailed: (error: DemoFailed) => Effect.fail(failed(error)) }

/** Each direction is impaired once: here what the relay sends. */
const relayImpaired = {
  onNone: (): ReadonlyArray<string> => [],
  onSome: (impair: string): ReadonlyArray<string> => ["--impair", impair]
}
