import { Clock, Console, Effect, Option } from "effect"
import * as CallToken from "../access/CallToken.ts"
import type { CallClass } from "../protocol/CallClass.ts"
import type { CallId, ParticipantId } from "../protocol/Ids.ts"
import * as KeyFile from "../server/KeyFile.ts"
import { badInput } from "./Failure.ts"
import type { Flags } from "./TokenFlags.ts"

/** A token under the newest key of the file. */
export const mint = Effect.fn("TokenHandler.mint")(function* (options: {
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

export const run = Effect.fn(function* (flags: Flags) {
  const token = yield* mint(flags)
  const text = CallToken.formatCredential(token)
  yield* Console.log(flags.json ? JSON.stringify({ token: text, ...token.claims }) : text)
})
