import * as Crypto from "node:crypto"
import * as SFrameHeader from "./SFrameHeader.ts"

/** Cipher suite AES_128_GCM_SHA256_128, RFC 9605 section 4.5. */
const cipherSuite = 4
const algorithm = "aes-128-gcm"
const hash = "sha256"
export const baseKeyBytes = 16
const keyBytes = 16
const nonceBytes = 12
export const tagBytes = 16

/** What a protected payload is longer than the plain one, at most. */
export const overheadBytesMax = SFrameHeader.lengthMax + tagBytes

/** The key of one key id, RFC 9605 section 4.4.2. */
export interface SFrameKey {
  /** 64 bits. */
  readonly keyId: bigint
  readonly key: Uint8Array
  readonly salt: Uint8Array
}

export const deriveKey = (baseKey: Uint8Array, keyId: bigint): SFrameKey => ({
  keyId,
  key: expand(baseKey, "SFrame 1.0 Secret key ", keyId, keyBytes),
  salt: expand(baseKey, "SFrame 1.0 Secret salt ", keyId, nonceBytes)
})

const expand = (baseKey: Uint8Array, text: string, keyId: bigint, length: number): Uint8Array => {
  const label = Buffer.alloc(text.length + 8 + 2)
  label.write(text, "latin1")
  label.writeBigUInt64BE(keyId, text.length)
  label.writeUInt16BE(cipherSuite, text.length + 8)
  return new Uint8Array(Crypto.hkdfSync(hash, baseKey, new Uint8Array(0), label, length))
}

/** Header, ciphertext and tag, RFC 9605 section 4.4.3. A counter must never be used twice with a key. */
export const seal = (key: SFrameKey, counter: bigint, plain: Uint8Array, metadata: Uint8Array): Uint8Array => {
  const header = SFrameHeader.encode(key.keyId, counter)
  const cipher = Crypto.createCipheriv(algorithm, key.key, nonceOf(key, counter), { authTagLength: tagBytes })
  cipher.setAAD(header)
  cipher.setAAD(metadata)
  const sealed = new Uint8Array(header.length + plain.length + tagBytes)
  sealed.set(header, 0)
  sealed.set(cipher.update(plain), header.length)
  // GCM is a stream cipher: nothing is left to put out, but the tag is complete only now.
  cipher.final()
  sealed.set(cipher.getAuthTag(), header.length + plain.length)
  return sealed
}

/** The plain payload, RFC 9605 section 4.4.4; `undefined` when anything of it or of the metadata was changed. */
export const open = (
  key: SFrameKey,
  header: SFrameHeader.SFrameHeader,
  sealed: Uint8Array,
  metadata: Uint8Array
): Uint8Array | undefined => {
  const tagOffset = sealed.length - tagBytes
  if (tagOffset < header.length) return undefined
  const decipher = Crypto.createDecipheriv(algorithm, key.key, nonceOf(key, header.counter), {
    authTagLength: tagBytes
  })
  decipher.setAAD(sealed.subarray(0, header.length))
  decipher.setAAD(metadata)
  decipher.setAuthTag(sealed.subarray(tagOffset))
  const { buffer, byteOffset, length } = decipher.update(sealed.subarray(header.length, tagOffset))
  try {
    decipher.final()
    return new Uint8Array(buffer, byteOffset, length)
  } catch {
    return undefined
  }
}

/** The salt with the counter laid over its last eight bytes. */
const nonceOf = (key: SFrameKey, counter: bigint): Uint8Array => {
  const nonce = key.salt.slice()
  const view = new DataView(nonce.buffer)
  view.setBigUint64(nonceBytes - 8, view.getBigUint64(nonceBytes - 8) ^ counter)
  return nonce
}
