import * as ByteSlab from "./ByteSlab.ts"

/**
 * What the values of control messages are made of: unsigned numbers in network order, UTF-8 text, and strings behind a
 * byte with their length. Written as pieces to be joined; read one after another.
 */

export const u8 = (value: number): Uint8Array => Uint8Array.of(value)

export const u16 = (value: number): Uint8Array => Uint8Array.of(value >>> 8, value)

export const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)

// In place, without a DataView: to make one for every message costs more than what is read and written of it.
export const uint16At = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

export const uint32At = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

export const setUint16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export const setUint32 = (bytes: Uint8Array, at: number, value: number): void => {
  setUint16(bytes, at, value >>> 16)
  setUint16(bytes, at + 2, value)
}

/** Numbers up to 2^53 - 1: JavaScript counts no further exactly. */
export const u64 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8)
  setUint32(bytes, 0, Math.floor(value / 0x1_0000_0000))
  setUint32(bytes, 4, value)
  return bytes
}

export const join = (...pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** The bytes of a short text of ASCII, as almost all are; `undefined`: it is another. */
const ascii = (text: string, bytesMax: number): Uint8Array | undefined => {
  if (text.length > bytesMax) return undefined
  const bytes = ByteSlab.allocate(text.length)
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code >= 0x80) return undefined
    bytes[at] = code
  }
  return bytes
}

/** As much of the text as `bytesMax` bytes hold; no character is cut in two. */
export const utf8 = (text: string, bytesMax: number): Uint8Array => {
  const short = ascii(text, bytesMax)
  if (short !== undefined) return short
  // A unit of UTF-16 has three bytes at most.
  const bytes = ByteSlab.allocate(Math.min(bytesMax, 3 * text.length))
  return bytes.subarray(0, encoder.encodeInto(text, bytes).written)
}

/** The text behind a byte with its length. */
export const prefixed = (text: string, bytesMax: number): Uint8Array => {
  const bytes = utf8(text, bytesMax)
  return join(u8(bytes.length), bytes)
}

// A loop, as `every` takes longer than all else that is done with a name.
const isAscii = (bytes: Uint8Array): boolean => {
  for (let at = 0; at < bytes.length; at++) if (bytes[at]! >= 0x80) return false
  return true
}

/**
 * `undefined` when the bytes are not UTF-8. The decoder would replace what it cannot read, or throw: so the text is
 * written again and compared, which costs a flood of bad bytes no more than good ones. Nothing is wrong with ASCII.
 */
export const textOf = (bytes: Uint8Array): string | undefined => {
  const text = decoder.decode(bytes)
  if (isAscii(bytes)) return text
  const again = encoder.encode(text)
  return again.length === bytes.length && again.every((byte, at) => byte === bytes[at]) ? text : undefined
}

/** Reads behind each other. Once something was not there, every further read gives nothing. */
export interface FieldReader {
  readonly bytes: Uint8Array
  offset: number
  failed: boolean
}

export const makeReader = (bytes: Uint8Array): FieldReader => ({ bytes, offset: 0, failed: false })

/** Whether everything was there that was asked for, and nothing is left. */
export const isComplete = (reader: FieldReader): boolean => !reader.failed && reader.offset === reader.bytes.length

/** Where the next `length` bytes begin; `undefined`: there are not so many. */
const take = (reader: FieldReader, length: number): number | undefined => {
  const { offset } = reader
  if (offset + length > reader.bytes.length) reader.failed = true
  if (reader.failed) return undefined
  reader.offset += length
  return offset
}

const takeUnsigned = (reader: FieldReader, length: number): number => {
  const offset = take(reader, length)
  if (offset === undefined) return 0
  let value = 0
  for (let at = offset; at < offset + length; at++) value = value * 0x100 + reader.bytes[at]!
  return value
}

export const takeU8 = (reader: FieldReader): number => takeUnsigned(reader, 1)

export const takeU16 = (reader: FieldReader): number => takeUnsigned(reader, 2)

export const takeU32 = (reader: FieldReader): number => takeUnsigned(reader, 4)

/** Fails for numbers above 2^53 - 1. */
export const takeU64 = (reader: FieldReader): number => {
  const value = takeUnsigned(reader, 8)
  if (!Number.isSafeInteger(value)) reader.failed = true
  return value
}

/** Fails when it is not UTF-8. */
export const takeText = (reader: FieldReader, length: number): string => {
  const offset = take(reader, length)
  const text = offset === undefined ? undefined : textOf(reader.bytes.subarray(offset, offset + length))
  if (text === undefined) reader.failed = true
  return text ?? ""
}

/** A string behind a byte with its length. Fails when it is empty, longer than `bytesMax`, or has a character U+0000. */
export const takePrefixed = (reader: FieldReader, bytesMax: number): string => {
  const length = takeU8(reader)
  if (length === 0 || length > bytesMax) reader.failed = true
  const text = takeText(reader, length)
  if (text.includes("\0")) reader.failed = true
  return text
}
