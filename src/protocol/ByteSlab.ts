/**
 * Bytes of messages, cut from larger pieces. An array of more than 64 bytes is memory of its own to V8, which takes it from
 * the system, clears it and has its collector look after it: some 2 us for each, where a relay that refuses a thousand
 * joins a second needs several for every one. Who keeps such bytes keeps the whole piece, so for long is copied; and their `buffer`
 * is the piece, so views of them need their `byteOffset`.
 */

const slabBytes = 8192
/** Longer ones would leave too much of a piece unused. */
const cutBytesMax = 2048
/** What V8 keeps within the array itself. */
const inlineBytesMax = 64

let slab = new Uint8Array(slabBytes)
let used = 0

/** All zero, as `new Uint8Array(length)` is; no two overlap. */
export const allocate = (length: number): Uint8Array => {
  if (length <= inlineBytesMax || length > cutBytesMax) return new Uint8Array(length)
  if (used + length > slabBytes) {
    slab = new Uint8Array(slabBytes)
    used = 0
  }
  const bytes = slab.subarray(used, used + length)
  used += length
  return bytes
}

export const copy = (bytes: Uint8Array): Uint8Array => {
  const copied = allocate(bytes.length)
  copied.set(bytes)
  return copied
}
