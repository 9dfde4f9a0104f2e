import * as Base64Url from "effect/encoding/Base64Url"
import * as Crypto from "node:crypto"
import { Result, Schema } from "effect"
import * as CounterWindow from "../media/CounterWindow.ts"
import * as SFrame from "./encryption/SFrame.ts"
import * as SFrameHeader from "./encryption/SFrameHeader.ts"

/**
 * End-to-end encryption of RTP payloads: SFrame (RFC 9605) with the suite AES_128_GCM_SHA256_128, one SFrame per RTP
 * payload, from one secret that the participants of a call share and the relays never see.
 *
 * - Keys. Every stream has a base key of its own, HKDF(secret, SSRC), and every start of a sender draws a random key id
 *   of 64 bits, from which SFrame derives key and salt. So counters, which begin at 0, collide neither across senders
 *   nor when a sender starts again with the same SSRC and the same secret.
 * - Holes. The counter travels with each payload. Packets that were lost or withheld by a relay, for however long, do
 *   not disturb those that come.
 * - Metadata. What the relays read in clear (RTP header, descriptor) is authenticated, if the caller passes it: a relay
 *   that changes it only makes the payload be refused.
 * - Replay. A payload is taken once. When a sender has started again, what its earlier keys still protect is taken for
 *   one start more, then refused.
 *
 * What it does not do: participants share one secret, so one of them can pose as another, and who learns the secret can
 * read what was recorded. A relay that recorded an earlier call can play it into a later one that has the same secret and
 * SSRC: take a new secret for every call. Lengths and times of packets are visible.
 */

/** Seals the payloads of one stream. Owned by one sender and changed in place. */
export interface Sender {
  readonly key: SFrame.SFrameKey
  /** Of the next payload. It must never go back. */
  counter: number
}

/** What a sealed payload is longer than the plain one, at most. */
export const overheadBytesMax = SFrame.overheadBytesMax

const Reason = Schema.Literals(["Malformed", "NotAuthentic", "Replayed"])

/** A payload that must not be used. Counted by reason; never answered. */
export class RefusedPayload extends Schema.TaggedError<RefusedPayload>()("RefusedPayload", { reason: Reason }) {}

/** Separates our use of the secret from any other. */
const senderKeySalt = "tandem end-to-end sender 1"
const passphraseSalt = "tandem end-to-end passphrase 1 "

export const secretBytes = 32

export interface StreamKeyOptions {
  /** 32 random bytes, new for every call, or from `secretFromPassphrase`. */
  readonly secret: Uint8Array
  readonly ssrc: number
}

const baseKeyOf = ({ secret, ssrc }: StreamKeyOptions): Uint8Array => {
  const info = new Uint8Array(4)
  new DataView(info.buffer).setUint32(0, ssrc)
  return new Uint8Array(Crypto.hkdfSync("sha256", secret, senderKeySalt, info, SFrame.baseKeyBytes))
}

/** `keyId`: 64 random bits, drawn anew at every start. It need not be secret. */
export const makeSender = (options: StreamKeyOptions & { readonly keyId: bigint }): Sender => ({
  key: SFrame.deriveKey(baseKeyOf(options), BigInt.asUintN(64, options.keyId)),
  counter: 0
})

/**
 * What to send in place of `payload`. `metadata` is what relays read but must not change, as the RTP header and the
 * descriptor; the receiver must know it byte for byte, as it is not part of what is sent.
 */
export const seal = (self: Sender, payload: Uint8Array, metadata: Uint8Array): Uint8Array =>
  SFrame.seal(self.key, BigInt(self.counter++), payload, metadata)

/** Opens the payloads of one remote stream. Owned by one receiver and changed in place. */
export interface Receiver {
  readonly baseKey: Uint8Array
  /** The starts of the sender whose payloads are taken; the one that was heard last is the first. */
  readonly starts: Array<SenderStart>
  readonly retiredKeyIds: Set<bigint>
}

interface SenderStart {
  readonly key: SFrame.SFrameKey
  readonly window: CounterWindow.CounterWindow
}

/** The present start of a sender, and the one before for what comes late. */
const startsMax = 2

export const makeReceiver = (options: StreamKeyOptions): Receiver => ({
  baseKey: baseKeyOf(options),
  starts: [],
  retiredKeyIds: new Set()
})

// Made once: a flood of bad payloads must not pay for stack traces.
const malformed = Result.fail(new RefusedPayload({ reason: "Malformed" }))
const notAuthentic = Result.fail(new RefusedPayload({ reason: "NotAuthentic" }))
const replayed = Result.fail(new RefusedPayload({ reason: "Replayed" }))

/** The plain payload. `metadata` must be what the sender passed. A refused payload changes nothing here. */
export const open = (
  self: Receiver,
  sealed: Uint8Array,
  metadata: Uint8Array
): Result.Result<Uint8Array, RefusedPayload> => {
  const header = SFrameHeader.decode(sealed)
  if (header === undefined || sealed.length < header.length + SFrame.tagBytes) return malformed
  const counter = Number(header.counter)
  if (!Number.isSafeInteger(counter)) return malformed
  if (self.retiredKeyIds.has(header.keyId)) return replayed
  const index = self.starts.findIndex((start) => start.key.keyId === header.keyId)
  const start = self.starts[index] ?? makeStart(self.baseKey, header.keyId)
  if (!CounterWindow.isNew(start.window, counter)) return replayed
  const payload = SFrame.open(start.key, header, sealed, metadata)
  if (payload === undefined) return notAuthentic
  CounterWindow.remember(start.window, counter)
  if (index !== 0) moveToFront(self, start, index)
  return Result.succeed(payload)
}

const makeStart = (baseKey: Uint8Array, keyId: bigint): SenderStart => ({
  key: SFrame.deriveKey(baseKey, keyId),
  window: CounterWindow.make()
})

const moveToFront = (self: Receiver, start: SenderStart, index: number): void => {
  if (index > 0) self.starts.splice(index, 1)
  self.starts.unshift(start)
  if (self.starts.length <= startsMax) return
  self.retiredKeyIds.add(self.starts.pop()!.key.keyId)
}

/** The least that OWASP's password storage guide asks of scrypt. Takes 128 MB of memory for the moment. */
const scryptOptions = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 << 20 }

/**
 * A secret from words that people tell each other. It is as hard to guess as they are, and different for every call that
 * has another name. Takes some tenths of a second, during which nothing else runs.
 */
export const secretFromPassphrase = (passphrase: string, callId: string): Uint8Array =>
  new Uint8Array(Crypto.scryptSync(passphrase.normalize("NFKC"), passphraseSalt + callId, secretBytes, scryptOptions))

/** A secret as text, for programs that hand it to others: base64url. */
export const formatSecret = (secret: Uint8Array): string => Base64Url.encode(secret)

/** Reads what `formatSecret` has written; `undefined` when it is no secret. */
export const parseSecret = (text: string): Uint8Array | undefined => {
  const secret = Result.getOrUndefined(Base64Url.decode(text))
  return secret?.length === secretBytes ? secret : undefined
}
