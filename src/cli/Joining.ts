import { Config, Effect, Option, type PlatformError, Redacted, Result, Schema } from "effect"
import * as CallToken from "../access/CallToken.ts"
import * as EndToEndEncryption from "../client/EndToEndEncryption.ts"
import { CallId, ParticipantId } from "../protocol/Ids.ts"
import { BadInput, badInput, failed } from "./Failure.ts"
import { tokenSeconds } from "./JoinFlags.ts"
import { mint } from "./TokenHandler.ts"

/** The token that was given, or one of our own. */
export const tokenOf = Effect.fnUntraced(function* (options: {
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
  return yield* mint({ ...options, ...ids.success, expiresInSeconds: tokenSeconds })
})

/** From the passphrase, or for programs from the environment: 32 bytes in base64url. `undefined` when there is neither. */
export const secretOf = Effect.fnUntraced(function* (
  passphrase: Option.Option<Redacted.Redacted<string>>,
  call: CallId
) {
  if (Option.isSome(passphrase)) {
    const words = Redacted.value(passphrase.value)
    if (words === "") {
      return yield* new BadInput({ message: "--passphrase is empty: give the one that everybody in the call has" })
    }
    return EndToEndEncryption.secretFromPassphrase(words, call)
  }
  const text = yield* Config.option(Config.Redacted("sharedSecret")).pipe(Effect.mapError(badInput))
  if (Option.isNone(text)) return undefined
  const secret = EndToEndEncryption.parseSecret(Redacted.value(text.value))
  if (secret !== undefined) return secret
  return yield* new BadInput({
    message: `TANDEM_SHARED_SECRET is not ${EndToEndEncryption.secretBytes} bytes in base64url`
  })
})

/** What to say when a call cannot be joined or kept. */
export const sayWhy = {
  InvalidAddress: (error: WithMessage) => Effect.fail(badInput(error)),
  JoinRefused: (error: WithMessage) => Effect.fail(failed(error)),
  RelayUnreachable: (error: WithMessage) => Effect.fail(failed(error)),
  PortNotOpened: (error: WithMessage) => Effect.fail(failed(error)),
  CallLost: (error: WithMessage) => Effect.fail(failed(error)),
  PlatformError: (error: PlatformError.PlatformError) =>
    Effect.fail(failed({ message: `a file cannot be written (${causeOf(error)}): make room, or name another place` }))
}

interface WithMessage {
  readonly message: string
}

/** The system's own words, as "ENOSPC: no space left on device, write". */
const causeOf = ({ message, reason }: PlatformError.PlatformError): string =>
  reason._tag !== "BadArgument" && reason.cause instanceof Error ? reason.cause.message : message
