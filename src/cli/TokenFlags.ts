import { Schema } from "effect"
import { type Command, Flag } from "effect/cli"
import { CallClass } from "../protocol/CallClass.ts"
import { CallId, ParticipantId } from "../protocol/Ids.ts"
import type * as KeyFile from "../server/KeyFile.ts"

const callFlag = Flag.String("call").pipe(
  Flag.withSchema(CallId),
  Flag.withDescription("The call's name; whoever uses the same one is in the same call")
)

const participantFlag = Flag.String("as").pipe(
  Flag.withSchema(ParticipantId),
  Flag.withDescription("The participant's name, unique in the call")
)

export const classFlag = Flag.Literals("class", CallClass.literals).pipe(
  Flag.withDescription("What kind of call it is: a busy relay refuses groups first"),
  Flag.withDefault("one-to-one-video" as const)
)

/** What KeyFile says: the compiler sees to it. */
const developmentKeyFile: typeof KeyFile.developmentKeyFile = ".tandem/development-keys.json"

export const keysFlag = Flag.File("keys").pipe(
  Flag.withDescription(`The fleet's key file (left out: ${developmentKeyFile})`),
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

export const flags = {
  call: callFlag,
  participant: participantFlag,
  callClass: classFlag,
  expiresInSeconds: expiresFlag,
  keys: keysFlag,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
}
export type Flags = Command.Command.Config.Infer<typeof flags>
