import { hash } from "node:crypto"

/**
 * HMAC-SHA256, RFC 2104, as what it is: two hashes. Node makes an object of its own for each HMAC, and memory of its own for
 * what comes of it, which takes twice as long as both hashes do; a relay that refuses joins does little else.
 */

const macBytes = 32
/** Of SHA-256, by which it works. */
const blockBytes = 64
/** RFC 2104 section 2. */
const innerPad = 0x36
const outerPad = 0x5c
/** All that is signed here fits. Whatever is longer gets memory of its own. */
const inputBytesMax = 2048

const innerOfMost = new Uint8Array(blockBytes + inputBytesMax)
const outer = new Uint8Array(blockBytes + macBytes)

/** A byte for each character: no memory of its own, as a Buffer would be. */
const digestInto = (input: Uint8Array, output: Uint8Array, at: number): void => {
  const digest = hash("sha256", input, "latin1")
  for (let byte = 0; byte < macBytes; byte++) output[at + byte] = digest.charCodeAt(byte)
}

const setKey = (block: Uint8Array, key: Uint8Array, pad: number): void => {
  for (let at = 0; at < blockBytes; at++) block[at] = pad ^ (at < key.length ? key[at]! : 0)
}

/** 32 bytes. A key longer than a block, 64 bytes, is hashed first. */
export const hmacSha256 = (key: Uint8Array, input: Uint8Array): Uint8Array => {
  if (key.length > blockBytes) {
    const shorter = new Uint8Array(macBytes)
    digestInto(key, shorter, 0)
    return hmacSha256(shorter, input)
  }
  const innerBytes = blockBytes + input.length
  const inner = input.length > inputBytesMax ? new Uint8Array(innerBytes) : innerOfMost.subarray(0, innerBytes)
  setKey(inner, key, innerPad)
  inner.set(input, blockBytes)
  setKey(outer, key, outerPad)
  digestInto(inner, outer, blockBytes)
  const mac = new Uint8Array(macBytes)
  digestInto(outer, mac, 0)
  return mac
}
