import { Schema } from "effect"
import { Flag } from "effect/cli"
import { classFlag, keysFlag } from "./TokenFlags.ts"

/** So long a token lives that is minted for one call. Who has waited longer for a relay cannot show it any more. */
export const tokenSeconds = 300

/** Who joins which call, where. */
export const joinFlags = {
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
  waitWhenBusySeconds: Flag.Int("wait-when-busy").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: tokenSeconds }))),
    Flag.withMetavar("SECONDS"),
    Flag.withDescription("How long to wait and ask again when the relays are too busy for the call"),
    Flag.withDefault(0)
  )
}

export const passphraseFlag = Flag.Redacted("passphrase").pipe(
  Flag.withDescription("Shared by everybody in the call, never seen by the relay: encrypts the media end to end"),
  Flag.optional
)
