import { Command, Flag } from "effect/cli"
import { joinFlags, passphraseFlag } from "./JoinFlags.ts"
import { handlerOf } from "./LoadedHandler.ts"
import { impairFlag, repairFlag } from "./RunFlags.ts"

/** As many as a Join can offer: docs/protocol.md. */
const streamsMax = 16

const flags = {
  ...joinFlags,
  send: Flag.String("send").pipe(
    Flag.withMetavar("KIND/CODEC/CLOCKRATE[/CHANNELS]:PT[:SSRC]"),
    Flag.withDescription("A stream that a program here will send, like video/VP8/90000:96:11111; may be repeated"),
    Flag.between(0, streamsMax)
  ),
  inPort: Flag.Int("in-port").pipe(
    Flag.withDescription(
      "First local port for what is sent: stream k comes in on N+2k, its RTCP on N+2k+1; 0: free ones"
    ),
    Flag.withDefault(0)
  ),
  outPort: Flag.Int("out-port").pipe(
    Flag.withDescription(
      "First port of the players: the k-th stream received goes to N+2k, its RTCP to N+2k+1; 0: free ones"
    ),
    Flag.withDefault(0)
  ),
  local: Flag.String("local").pipe(
    Flag.withMetavar("IP"),
    Flag.withDescription("Address of this machine that programs send to and receive at; others are not heard"),
    Flag.withDefault("127.0.0.1")
  ),
  passphrase: passphraseFlag.pipe(
    Flag.withDescription("For programs that send in clear: encrypts what is in their packets, as tandem call does")
  ),
  srtpKey: Flag.String("srtp-key").pipe(
    Flag.withMetavar("BASE64"),
    Flag.withDescription("What the programs encrypt with, 30 bytes: only for the session descriptions and commands"),
    Flag.optional
  ),
  srtcp: Flag.Boolean("srtcp").pipe(
    Flag.withDescription("The programs encrypt RTCP, too: it passes whole, and none is made here"),
    Flag.withDefault(false)
  ),
  sdp: Flag.String("sdp").pipe(
    Flag.withMetavar("DIRECTORY"),
    Flag.withDescription("Where to write a session description for every stream received"),
    Flag.withDefault(".")
  ),
  impair: impairFlag,
  repair: repairFlag,
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON object a line: ready, stream, ended, summary"),
    Flag.withDefault(false)
  )
}

export type Flags = Command.Command.Config.Infer<typeof flags>

export const command = Command.make(
  "bridge",
  flags,
  handlerOf(() => import("./BridgeHandler.ts"))
).pipe(Command.withDescription("Let other programs take part in a call: RTP and RTCP on local ports"))
