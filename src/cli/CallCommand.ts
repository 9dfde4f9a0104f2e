import { Config, Console, Effect, FileSystem, Option, type PlatformError, Redacted, Result, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as CallToken from "../access/CallToken.ts"
import * as EndToEndEncryption from "../client/EndToEndEncryption.ts"
import type { UnreadableFile } from "../client/files/UnreadableFile.ts"
import * as FileCall from "../client/tracks/FileCall.ts"
import * as MediaTrack from "../client/tracks/MediaTrack.ts"
import { CallId, ParticipantId } from "../protocol/Ids.ts"
import * as Network from "../server/Network.ts"
import * as CallProgress from "./CallProgress.ts"
import { BadInput, badInput, failed } from "./Failure.ts"
import { impairFlag, impairmentOf, repairFlag } from "./RunCommand.ts"
import { classFlag, keysFlag, mint } from "./TokenCommand.ts"

/** As many others as a call can have. */
const othersMax = 49
/** A minute. */
const waitMsMax = 60_000

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const flags = {
  relay: Flag.String("relay").pipe(
    Flag.withMetavar("HOST:PORT[,...]"),
    Flag.withDescription("Relays by IP address and port, the best first"),
    Flag.withDefault("127.0.0.1:3478")
  ),
  token: Flag.Redacted("token").pipe(
    Flag.withDescription("From tandem token; left out, one is minted here with the key file"),
    Flag.optional
  ),
  call: Flag.String("call").pipe(Flag.withDescription("The call's name, when there is no --token"), Flag.optional),
  participant: Flag.String("as").pipe(
    Flag.withDescription("The participant's name, when there is no --token"),
    Flag.optional
  ),
  callClass: classFlag,
  keys: keysFlag,
  passphrase: Flag.Redacted("passphrase").pipe(
    Flag.withDescription("Shared by everybody in the call, never seen by the relay: encrypts the media end to end"),
    Flag.optional
  ),
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

/** The token that was given, or one of our own. */
const tokenOf = Effect.fnUntraced(function* (options: {
  readonly token: Option.Option<Redacted.Redacted<string>>
  readonly call: Option.Option<string>
  readonly participant: Option.Option<string>
  readonly callClass: CallToken.CallToken["claims"]["callClass"]
  readonly keys: Option.Option<string>
}) {
  if (Option.isSome(options.token)) {
    return yield* Effect.mapError(
      Effect.fromResult(CallToken.parseCredential(Redacted.value(options.token.value))),
      badInput
    )
  }
  const ids = Result.all({
    call: Schema.decodeUnknownResult(CallId)(Option.getOrUndefined(options.call)),
    participant: Schema.decodeUnknownResult(ParticipantId)(Option.getOrUndefined(options.participant))
  })
  if (Result.isFailure(ids)) {
    return yield* new BadInput({ message: "say who joins what: --token TOKEN, or --call CALL and --as NAME" })
  }
  return yield* mint({ ...options, ...ids.success, expiresInSeconds: 300 })
})

/** From the passphrase, or for programs from the environment: 32 bytes in base64url. */
const secretOf = Effect.fnUntraced(function* (passphrase: Option.Option<Redacted.Redacted<string>>, call: CallId) {
  if (Option.isSome(passphrase)) {
    return EndToEndEncryption.secretFromPassphrase(Redacted.value(passphrase.value), call)
  }
  const text = yield* Config.option(Config.Redacted("sharedSecret")).pipe(Effect.mapError(badInput))
  const secret = Option.isSome(text) ? EndToEndEncryption.parseSecret(Redacted.value(text.value)) : undefined
  if (secret !== undefined) return secret
  return yield* new BadInput({
    message: Option.isSome(text)
      ? `TANDEM_SHARED_SECRET is not ${EndToEndEncryption.secretBytes} bytes in base64url`
      : "give --passphrase, the same for everybody in the call: the media is encrypted with it"
  })
})

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

/** The system's own words, as "ENOSPC: no space left on device, write". */
const causeOf = ({ message, reason }: PlatformError.PlatformError): string =>
  reason._tag !== "BadArgument" && reason.cause instanceof Error ? reason.cause.message : message

export const command = Command.make(
  "call",
  flags,
  Effect.fn(function* (flags) {
    const impairment = yield* impairmentOf(flags.impair)
    const token = yield* tokenOf(flags)
    const sharedSecret = yield* secretOf(flags.passphrase, token.claims.call)
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
    }).pipe(
      Effect.provide(Network.layer(impairment)),
      Effect.ensuring(progress.end),
      Effect.catchTags({
        InvalidAddress: (error) => Effect.fail(badInput(error)),
        JoinRefused: (error) => Effect.fail(failed(error)),
        RelayUnreachable: (error) => Effect.fail(failed(error)),
        PortNotOpened: (error) => Effect.fail(failed(error)),
        CallLost: (error) => Effect.fail(failed(error)),
        PlatformError: (error) =>
          Effect.fail(
            failed({ message: `a file cannot be written (${causeOf(error)}): make room, or name another place` })
          )
      })
    )
    yield* Console.log(flags.json ? JSON.stringify(summary) : CallProgress.format(summary))
  })
).pipe(Command.withDescription("Take part in a call: send media files, record what the others send"))
