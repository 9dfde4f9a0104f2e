import { Console, Effect, Option } from "effect"
import * as FileCall from "../client/tracks/FileCall.ts"
import * as MediaTrack from "../client/tracks/MediaTrack.ts"
import * as Network from "../server/Network.ts"
import type { Flags } from "./CallCommand.ts"
import * as CallProgress from "./CallProgress.ts"
import * as CallTracks from "./CallTracks.ts"
import { BadInput } from "./Failure.ts"
import { impairmentOf } from "./Impairing.ts"
import { sayWhy, secretOf, tokenOf } from "./Joining.ts"
import * as SubscribeFlag from "./SubscribeFlag.ts"

export const run = Effect.fn(function* (flags: Flags) {
  const impairment = yield* impairmentOf(flags.impair)
  const subscribe = yield* Effect.fromResult(SubscribeFlag.parseAll(flags.subscribe))
  const token = yield* tokenOf(flags)
  const sharedSecret = yield* secretOf(flags.passphrase, token.claims.call)
  if (sharedSecret === undefined) {
    return yield* new BadInput({
      message: "give --passphrase, the same for everybody in the call: the media is encrypted with it"
    })
  }
  const files = yield* CallTracks.read(flags)
  const { playForMs } = flags
  const tracks = Option.isNone(playForMs) ? files : files.map((track) => MediaTrack.repeated(track, playForMs.value))
  const progress = yield* CallProgress.make(!flags.json)
  const summary = yield* FileCall.run({
    relays: flags.relay.split(","),
    token,
    sharedSecret,
    tracks,
    subscribe,
    waitFor: flags.waitFor,
    startAfterMs: flags.startAfterMs,
    lingerMs: flags.lingerMs,
    playoutDelayMs: flags.playoutDelayMs,
    waitWhenBusyMs: flags.waitWhenBusySeconds * 1000,
    recordInto: Option.getOrUndefined(flags.record),
    frameLog: Option.getOrUndefined(flags.frameLog),
    volumeLog: Option.getOrUndefined(flags.volumeLog),
    repair: flags.repair,
    onProgress: progress.show
  }).pipe(Effect.provide(Network.layer(impairment)), Effect.ensuring(progress.end), Effect.catchTags(sayWhy))
  yield* Console.log(flags.json ? JSON.stringify(summary) : CallProgress.format(summary))
})
