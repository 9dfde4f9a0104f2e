import { Array as Arr, Result, Schema } from "effect"
import * as SchemaIssue from "effect/SchemaIssue"
import { hkdfSync } from "node:crypto"
import { join } from "../protocol/ByteFields.ts"
import { KeyId } from "../protocol/TokenClaims.ts"
import { hmacSha256 } from "./HmacSha256.ts"

/** Of a fleet key's secret, and of every key that is derived from it. */
export const secretBytes = 32

/** One secret of the fleet, under the name that tokens and tickets know it by. */
export const FleetKey = Schema.Struct({
  id: KeyId,
  /** Random bytes. In the file: base64url without padding. */
  secret: Schema.Uint8ArrayFromBase64Url.check(
    Schema.makeFilter((secret: Uint8Array) => secret.length === secretBytes || `a secret has ${secretBytes} bytes`)
  ),
  /** For people, who look it up when they rotate: "2031-05-09". */
  createdAt: Schema.optionalKey(Schema.String)
})
export type FleetKey = typeof FleetKey.Type

/**
 * What every relay of the fleet, and the backend that mints tokens, is given. The first key is the newest and makes all
 * that is made; the others are still accepted. To rotate, put a new key second everywhere, then first everywhere, and
 * take the old one out when its last ticket has expired.
 */
export const KeyFile = Schema.Struct({
  keys: Schema.NonEmptyArray(FleetKey).check(
    Schema.makeFilter(
      (keys: ReadonlyArray<FleetKey>) =>
        new Set(keys.map(({ id }) => id)).size === keys.length || "every key has its own id"
    )
  )
})
export type KeyFile = typeof KeyFile.Type

/** The key file cannot be used. The message says where it is wrong, and never what is written there. */
export class InvalidKeyFile extends Schema.TaggedError<InvalidKeyFile>()("InvalidKeyFile", {
  message: Schema.String
}) {}

/** The ring has no key of this name: it was taken out, or never was the fleet's. */
export class UnknownKey extends Schema.TaggedError<UnknownKey>()("UnknownKey", {}) {
  override get message(): string {
    return "the key of this token is not in the key ring: get a new token"
  }
}
const unknownKey = Result.fail(new UnknownKey({}))

/** A fleet key and what is derived from it once. */
export interface LiveKey {
  readonly id: string
  readonly secret: Uint8Array
  readonly cookieSecret: Uint8Array
  readonly ticketKey: Uint8Array
  /** Signs what relays say to each other. */
  readonly trunkKey: Uint8Array
  /** Nodes of a cluster show each other that they know it. */
  readonly clusterKey: Uint8Array
  /** What the participants' keys are expanded from. */
  readonly participantSecret: Uint8Array
}

/** The keys that are live, the newest first. */
export interface KeyRing {
  readonly keys: Arr.NonEmptyReadonlyArray<LiveKey>
}

/** HKDF-SHA256, RFC 5869. The salt names the purpose, so that no key ever serves two. */
const derive = (secret: Uint8Array, purpose: string, info: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", secret, purpose, info, secretBytes))

const noInfo = new Uint8Array(0)

/** The two halves of HKDF, RFC 5869 sections 2.2 and 2.3: many keys of one secret and purpose have the first in common. */
const extract = (secret: Uint8Array, purpose: string): Uint8Array =>
  hmacSha256(new TextEncoder().encode(purpose), secret)
const firstBlock = Uint8Array.of(1)
const expand = (extracted: Uint8Array, info: Uint8Array): Uint8Array => hmacSha256(extracted, join(info, firstBlock))

export const make = (file: KeyFile): KeyRing => ({
  keys: Arr.map(file.keys, ({ id, secret }) => ({
    id,
    secret,
    cookieSecret: derive(secret, "tandem address cookie 1", noInfo),
    ticketKey: derive(secret, "tandem session ticket 1", noInfo),
    trunkKey: derive(secret, "tandem trunk 1", noInfo),
    clusterKey: derive(secret, "tandem cluster 1", noInfo),
    participantSecret: extract(secret, "tandem participant key 1")
  }))
})

const decodeKeyFile = Schema.decodeUnknownResult(KeyFile)
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** Reads the text of a key file. */
export const parse = (text: string): Result.Result<KeyRing, InvalidKeyFile> =>
  Result.try({
    try: (): unknown => JSON.parse(text),
    catch: () => new InvalidKeyFile({ message: "the key file is not JSON: make a new one" })
  }).pipe(
    Result.flatMap((json) => Result.mapError(decodeKeyFile(json), (error) => invalidAt(formatIssue(error.issue)))),
    Result.map(make)
  )

/** The newest key: it makes tokens, cookies and tickets. */
export const newest = (ring: KeyRing): LiveKey => Arr.headNonEmpty(ring.keys)

export const find = (ring: KeyRing, keyId: string): Result.Result<LiveKey, UnknownKey> => {
  const key = ring.keys.find(({ id }) => id === keyId)
  return key === undefined ? unknownKey : Result.succeed(key)
}

/** One for each key: tells nothing of the key, and who has the same key has the same. */
export const fingerprints = (ring: KeyRing): ReadonlyArray<string> =>
  ring.keys.map(({ secret }) =>
    Buffer.from(derive(secret, "tandem key fingerprint 1", noInfo).subarray(0, 8)).toString("hex")
  )

/** The key that a participant signs its control messages with. The relay derives it from the token and keeps no list. */
export const participantKey = (
  ring: KeyRing,
  claimsBytes: Uint8Array,
  keyId: string
): Result.Result<Uint8Array, UnknownKey> =>
  Result.map(find(ring, keyId), ({ participantSecret }) => expand(participantSecret, claimsBytes))

const invalidAt = ({ issues }: ReturnType<typeof formatIssue>): InvalidKeyFile => {
  const path = issues[0]?.path?.map(String).join(".")
  const shape = '{"keys":[{"id":"…","secret":"32 bytes in base64url"}]}, every id once'
  return new InvalidKeyFile({ message: `the key file is wrong${path ? ` at ${path}` : ""}: it needs to be ${shape}` })
}
