import { Result, Schema } from "effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as TokenClaims from "../protocol/TokenClaims.ts"
import { isExpired } from "./ClockSkew.ts"
import * as KeyRing from "./KeyRing.ts"

/** What a device holds to join a call: the claims that it shows, and the key that proves them and never leaves it. */
export interface CallToken {
  readonly claims: TokenClaims.TokenClaims
  /** The claims as they go over the wire: the key is derived from exactly these bytes. */
  readonly claimsBytes: Uint8Array
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** The text is not a token. One line that says why, for the person who has pasted it. */
export class InvalidCredential extends Schema.TaggedError<InvalidCredential>()("InvalidCredential", {
  message: Schema.String
}) {}

/** The token was good until then. */
export class TokenExpired extends Schema.TaggedError<TokenExpired>()("TokenExpired", {
  expiredAtSeconds: Schema.Int
}) {
  override get message(): string {
    return "the token has expired: get a new one"
  }
}

const prefix = "tdm1."

/** A token under the newest key of the ring. */
export const mint = (ring: KeyRing.KeyRing, claims: Omit<TokenClaims.TokenClaims, "keyId">): CallToken => {
  const keyId = KeyRing.newest(ring).id
  const minted = { ...claims, keyId }
  const claimsBytes = TokenClaims.encode(minted)
  return { claims: minted, claimsBytes, key: Result.getOrThrow(KeyRing.participantKey(ring, claimsBytes, keyId)) }
}

/** The token as text, "tdm1.<claims>.<key>" in base64url, for people and their backends. Secret: it has the key in it. */
export const formatCredential = (token: CallToken): string =>
  `${prefix}${Base64Url.encode(token.claimsBytes)}.${Base64Url.encode(token.key)}`

/** Reads what `formatCredential` has written; white space around it does no harm. */
export const parseCredential = (text: string): Result.Result<CallToken, InvalidCredential> => {
  const trimmed = text.trim()
  if (!trimmed.startsWith(prefix)) return invalid(`a token starts with "${prefix}"`)
  const [claimsText, keyText, ...rest] = trimmed.slice(prefix.length).split(".")
  if (!claimsText || !keyText || rest.length > 0) return invalid(`a token has two parts behind "${prefix}"`)
  const key = Result.getOrUndefined(Base64Url.decode(keyText))
  if (key?.length !== KeyRing.secretBytes) return invalid("its last part is not a key")
  return Base64Url.decode(claimsText).pipe(
    Result.flatMap((claimsBytes) =>
      Result.map(TokenClaims.decode(claimsBytes), (claims) => ({ claims, claimsBytes, key }))
    ),
    Result.orElse(() => invalid("its first part is not what a token says"))
  )
}

/** Whether the token still admits. Who holds it has to be proved by the integrity of the message that shows it. */
export const checkClaims = (claims: TokenClaims.TokenClaims, nowSeconds: number): Result.Result<void, TokenExpired> =>
  isExpired(claims.expiresAtSeconds, nowSeconds)
    ? Result.fail(new TokenExpired({ expiredAtSeconds: claims.expiresAtSeconds }))
    : Result.void

const invalid = (what: string): Result.Result<never, InvalidCredential> =>
  Result.fail(new InvalidCredential({ message: `this is not a whole token: ${what}. Copy it again` }))
