import { Clock, Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as CallToken from "../access/CallToken.ts"
import { CallClass } from "../protocol/CallClass.ts"
import { CallId, ParticipantId } from "../protocol/Ids.ts"
import * as KeyFile from "../server/KeyFile.ts"
import { badInput } from "./Failure.ts"

export const callFlag = Flag.String("call").pipe(
  Flag.withSchema(CallId),
  Flag.withDescription("The call's name; whoever uses the same one is in the same call")
)

export const participantFlag = Flag.String("as").pipe(
  Flag.withSchema(ParticipantId),
  Flag.withDescription("The participant's name, unique in the call")
)

export const classFlag = Flag.Literals("class", CallClass.literals).pipe(
  Flag.withDescription("What kind of call it is: a busy relay refuses groups first"),
  Flag.withDefault("one-to-one-video" as const)
)

export const keysFlag = Flag.File("keys").pipe(
  Flag.withDescription(`The fleet's key file (left out: ${KeyFile.developmentKeyFile})`),
  Flag.optional
)

/** A week. Seconds. */
const expiresSecondsMax = 7 * 24 * 3600

const expiresFlag = Flag.Int("expires").pipe(
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: expiresSecondsMax }))),
  Flag.withMetavar("SECONDS"),
  Flag.withDescription("How long the token admits to the call, in seconds"),
  Flag.withDefault(300)
)

/** A token under the newest key of the file. */
export const mint = Effect.fn("TokenCommand.mint")(function* (options: {
  readonly keys: Option.Option<string>
  readonly call: CallId
  readonly participant: ParticipantId
  readonly callClass: CallClass
  readonly expiresInSeconds: number
}) {
  const ring = yield* KeyFile.read(Option.getOrElse(options.keys, () => KeyFile.developmentKeyFile)).pipe(
    Effect.mapError(badInput)
  )
  const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  return CallToken.mint(ring, {
    callClass: options.callClass,
    call: options.call,
    participant: options.participant,
    expiresAtSeconds: nowSeconds + options.expiresInSeconds
  })
})

export const command = Command.make(
  "token",
  {
    call: callFlag,
    participant: participantFlag,
    callClass: classFlag,
    expiresInSeconds: expiresFlag,
    keys: keysFlag,
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
  },
  Effect.fn(function* (flags) {
    const token = yield* mint(flags)
    const text = CallToken.formatCredential(token)
    yield* Console.log(flags.json ? JSON.stringify({ token: text, ...token.claims }) : text)
  })
).pipe(Command.withDescription("Mint a token with which one participant may join one call"))
