import { Console, Effect, FileSystem, Option, Result, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import type { UnreadableFile } from "../client/files/UnreadableFile.ts"
import * as FileCall from "../client/tracks/FileCall.ts"
import * as MediaTrack from "../client/tracks/MediaTrack.ts"
import * as Network from "../server/Network.ts"
import * as CallProgress from "./CallProgress.ts"
import { BadInput } from "./Failure.ts"
import { joinFlags, passphraseFlag, sayWhy, secretOf, tokenOf } from "./JoinFlags.ts"
import { impairFlag, impairmentOf, repairFlag } from "./RunFlags.ts"

/** As many others as a call can have. */
const othersMax = 49
/** A minute. */
const waitMsMax = 60_000

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const flags = {
  ...joinFlags,
  passphrase: passphraseFlag,
  audio: Flag.String("audio").pipe(Flag.withDescription("Ogg Opus file to send"), Flag.optional),
  video: Flag.String("video").pipe(Flag.withDescription("IVF file of VP8 to send"), Flag.optional),
  record: Flag.String("record").pipe(
    Flag.withMetavar("DIRECTORY"),
    Flag.withDescription("Write what the others send to files there"),
    Flag.optional
  ),
  waitFor: Flag.Int("wait-for").pipe(
    Flag.withSchema(upTo(othersMax)),
    Flag.withDescription("Others that must be there before the files are sent"),
    Flag.withDefault(1)
  ),
  startAfterMs: Flag.Int("start-after").pipe(
    Flag.withSchema(upTo(waitMsMax)),
    Flag.withMetavar("MS"),
    Flag.withDescription("How long to wait when they are there"),
    Flag.withDefault(0)
  ),
  lingerMs: Flag.Int("linger").pipe(
    Flag.withSchema(upTo(waitMsMax)),
    Flag.withMetavar("MS"),
    Flag.withDescription("How long to stay after the last frame"),
    Flag.withDefault(1000)
  ),
  playoutDelayMs: Flag.Int("playout-delay").pipe(
    Flag.withSchema(upTo(waitMsMax)),
    Flag.withMetavar("MS"),
    Flag.withDescription("How long a lost packet is waited for"),
    Flag.withDefault(300)
  ),
  frameLog: Flag.String("frame-log").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write a line about every frame sent and received"),
    Flag.optional
  ),
  impair: impairFlag,
  repair: repairFlag,
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON object at the end, and no progress"),
    Flag.withDefault(false)
  )
}

const trackOf = Effect.fnUntraced(function* (
  path: Option.Option<string>,
  read: (file: Uint8Array) => Result.Result<MediaTrack.MediaTrack, UnreadableFile>
) {
  if (Option.isNone(path)) return []
  const fileSystem = yield* FileSystem.FileSystem
  const bytes = yield* fileSystem
    .readFile(path.value)
    .pipe(
      Effect.mapError(
        (error) => new BadInput({ message: `${path.value} cannot be read (${error.reason._tag}): name another file` })
      )
    )
  const track = read(bytes)
  if (Result.isSuccess(track)) return [track.success]
  return yield* new BadInput({ message: `${path.value}: ${track.failure.message}` })
})

export const command = Command.make(
  "call",
  flags,
  Effect.fn(function* (flags) {
    const impairment = yield* impairmentOf(flags.impair)
    const token = yield* tokenOf(flags)
    const sharedSecret = yield* secretOf(flags.passphrase, token.claims.call)
    if (sharedSecret === undefined) {
      return yield* new BadInput({
        message: "give --passphrase, the same for everybody in the call: the media is encrypted with it"
      })
    }
    const tracks = [
      ...(yield* trackOf(flags.audio, MediaTrack.ofOggOpus)),
      ...(yield* trackOf(flags.video, MediaTrack.ofIvf))
    ]
    const progress = yield* CallProgress.make(!flags.json)
    const summary = yield* FileCall.run({
      relays: flags.relay.split(","),
      token,
      sharedSecret,
      tracks,
      waitFor: flags.waitFor,
      startAfterMs: flags.startAfterMs,
      lingerMs: flags.lingerMs,
      playoutDelayMs: flags.playoutDelayMs,
      recordInto: Option.getOrUndefined(flags.record),
      frameLog: Option.getOrUndefined(flags.frameLog),
      repair: flags.repair,
      onProgress: progress.show
    }).pipe(Effect.provide(Network.layer(impairment)), Effect.ensuring(progress.end), Effect.catchTags(sayWhy))
    yield* Console.log(flags.json ? JSON.stringify(summary) : CallProgress.format(summary))
  })
).pipe(Command.withDescription("Take part in a call: send media files, record what the others send"))
