import { Result } from "effect"
import * as Crypto from "node:crypto"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import type { ParticipantId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import type { TokenClaims } from "../../src/protocol/TokenClaims.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import { finish } from "./ArbitraryMessages.ts"

/** How `test/vectors/control-messages.json` is read, by the test that checks it and the script that writes it. */

/** Its values are what `ControlMessage` has, but opaque bytes are hexadecimal and a mapped address is text. */
export interface VectorMessage {
  readonly _tag: ControlMessage.ControlMessage["_tag"]
  readonly [field: string]: unknown
}

export interface ControlVector {
  readonly name: string
  /**
   * What the message ends with: nothing, FINGERPRINT, or MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, under the participant's
   * key or the one that relays have among themselves.
   */
  readonly ending: "nothing" | "fingerprint" | "integrity" | "trunk"
  readonly message: VectorMessage
  /** The datagram. Hexadecimal. */
  readonly bytes: string
}

export interface ControlVectors {
  readonly about: string
  readonly token: {
    readonly claims: TokenClaims
    readonly bytes: string
    /** Of the fleet key that `claims.keyId` names. Hexadecimal, as all bytes. */
    readonly fleetSecret: string
    readonly participantKey: string
    readonly trunkKey: string
    readonly credential: string
  }
  readonly messages: ReadonlyArray<ControlVector>
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
export const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))

interface VectorEntry {
  readonly participant: ParticipantId
  readonly streams: ReadonlyArray<StreamDescription>
}
const streamsOf = (streams: unknown) =>
  (streams as ReadonlyArray<StreamDescription>).map((stream) => new StreamDescription(stream))

/** Fields that JSON has in another form. */
const fromJson: Readonly<Record<string, (value: unknown) => unknown>> = {
  transactionId: (hex) => bytesOf(String(hex)),
  token: (hex) => bytesOf(String(hex)),
  cookie: (hex) => bytesOf(String(hex)),
  ticket: (hex) => bytesOf(String(hex)),
  nonce: (hex) => bytesOf(String(hex)),
  mappedAddress: (text) => Result.getOrThrow(PackedAddress.parse(String(text))),
  streams: streamsOf,
  entries: (entries) =>
    (entries as ReadonlyArray<VectorEntry>).map(({ participant, streams }) => ({
      participant,
      streams: streamsOf(streams)
    }))
}

export const messageOf = (json: VectorMessage): ControlMessage.ControlMessage =>
  Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, fromJson[name]?.(value) ?? value])
  ) as unknown as ControlMessage.ControlMessage

export const datagramOf = (
  { message, ending }: Pick<ControlVector, "message" | "ending">,
  keys: { readonly participantKey: Uint8Array; readonly trunkKey: Uint8Array }
): Uint8Array => {
  const unsigned = ControlMessage.encode(messageOf(message))
  switch (ending) {
    case "nothing":
      return unsigned
    case "fingerprint":
      return finish(unsigned, undefined)
    case "integrity":
      return finish(unsigned, keys.participantKey)
    case "trunk":
      return finish(unsigned, keys.trunkKey)
  }
}

/** HKDF-SHA256, RFC 5869. */
export const participantKeyOf = (fleetSecret: Uint8Array, claims: Uint8Array): Uint8Array =>
  new Uint8Array(Crypto.hkdfSync("sha256", fleetSecret, "tandem participant key 1", claims, 32))

export const trunkKeyOf = (fleetSecret: Uint8Array): Uint8Array =>
  new Uint8Array(Crypto.hkdfSync("sha256", fleetSecret, "tandem trunk 1", new Uint8Array(0), 32))

export const credentialOf = (claims: Uint8Array, participantKey: Uint8Array): string =>
  `tdm1.${Buffer.from(claims).toString("base64url")}.${Buffer.from(participantKey).toString("base64url")}`
