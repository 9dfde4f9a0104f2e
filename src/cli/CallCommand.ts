import { Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { joinFlags, passphraseFlag } from "./JoinFlags.ts"
import { handlerOf } from "./LoadedHandler.ts"
import { impairFlag, repairFlag } from "./RunFlags.ts"

/** As many others as a call can have. */
const othersMax = 49
/** A picture has three sizes at most. */
const smallerSizesMax = 2
/** A minute. */
const waitMsMax = 60_000
/** All of it is in memory. Ten minutes. */
const playMsMax = 600_000

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const flags = {
  ...joinFlags,
  passphrase: passphraseFlag,
  audio: Flag.String("audio").pipe(Flag.withDescription("Ogg Opus file to send"), Flag.optional),
  video: Flag.String("video").pipe(Flag.withDescription("IVF file of VP8 to send"), Flag.optional),
  simulcast: Flag.String("simulcast").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The pictures of --video in a smaller size, sent beside it as a layer; may be repeated once"),
    Flag.between(0, smallerSizesMax)
  ),
  record: Flag.String("record").pipe(
    Flag.withMetavar("DIRECTORY"),
    Flag.withDescription("Write what the others send to files there"),
    Flag.optional
  ),
  subscribe: Flag.String("subscribe").pipe(
    Flag.withMetavar("NAME[:stage|grid|off][:HEIGHT]"),
    Flag.withDescription("Whose video is wanted, the most wanted first; may be repeated. Without any: everybody's"),
    Flag.between(0, othersMax)
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
  playForMs: Flag.Int("play-for").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: playMsMax }))),
    Flag.withMetavar("MS"),
    Flag.withDescription("How long to send: files begin anew when they end. Left out: each once"),
    Flag.optional
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
  volumeLog: Flag.String("volume-log").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write a line about the level of each audio stream, every 200 ms"),
    Flag.optional
  ),
  impair: impairFlag,
  repair: repairFlag,
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON object at the end, and no progress"),
    Flag.withDefault(false)
  )
}

export type Flags = Command.Command.Config.Infer<typeof flags>

export const command = Command.make(
  "call",
  flags,
  handlerOf(() => import("./CallHandler.ts"))
).pipe(Command.withDescription("Take part in a call: send media files, record what the others send"))
