/**
 * The SFrame header, RFC 9605 section 4.3: a key id and a counter, each in as few bytes as it needs.
 *
 *      0 1 2 3 4 5 6 7
 *     |X|  K  |Y|  C  |   key id...   counter...
 *
 * X = 0: K is the key id. X = 1: K + 1 bytes of key id follow. Likewise Y and C for the counter.
 */
export interface SFrameHeader {
  /** 64 bits. */
  readonly keyId: bigint
  /** 64 bits. */
  readonly counter: bigint
  /** Of the header. Bytes. */
  readonly length: number
}

/** The configuration byte and two numbers of eight bytes. */
export const lengthMax = 17

const extendedFlag = 0x08
const smallValueMax = 7n
/** As many bytes a number holds exactly. */
const exactBytes = 6

export const encode = (keyId: bigint, counter: bigint): Uint8Array => {
  const keyIdBytes = bytesNeeded(keyId)
  const counterBytes = bytesNeeded(counter)
  const bytes = new Uint8Array(1 + keyIdBytes + counterBytes)
  bytes[0] = (halfByte(keyId, keyIdBytes) << 4) | halfByte(counter, counterBytes)
  writeNumber(bytes, 1, keyIdBytes, keyId)
  writeNumber(bytes, 1 + keyIdBytes, counterBytes, counter)
  return bytes
}

/** `undefined` when the bytes end within the header. */
export const decode = (bytes: Uint8Array): SFrameHeader | undefined => {
  if (bytes.length === 0) return undefined
  const keyIdHalf = bytes[0]! >> 4
  const counterHalf = bytes[0]! & 0x0f
  const keyIdEnd = 1 + bytesAfter(keyIdHalf)
  const length = keyIdEnd + bytesAfter(counterHalf)
  if (bytes.length < length) return undefined
  return {
    keyId: keyIdEnd === 1 ? BigInt(keyIdHalf) : readNumber(bytes, 1, keyIdEnd),
    counter: length === keyIdEnd ? BigInt(counterHalf) : readNumber(bytes, keyIdEnd, length),
    length
  }
}

/** Bytes behind the configuration byte: none for a value that fits into three bits. */
const bytesNeeded = (value: bigint): number => {
  if (value <= smallValueMax) return 0
  let count = 0
  for (let rest = value; rest > 0n; rest >>= 8n) count++
  return count
}

const halfByte = (value: bigint, count: number): number => (count === 0 ? Number(value) : extendedFlag | (count - 1))

const bytesAfter = (half: number): number => ((half & extendedFlag) === 0 ? 0 : (half & 0x07) + 1)

const writeNumber = (bytes: Uint8Array, offset: number, count: number, value: bigint): void => {
  for (let index = count - 1, rest = value; index >= 0; index--, rest >>= 8n) {
    bytes[offset + index] = Number(rest & 0xffn)
  }
}

/** In numbers as far as they reach: this is done for each packet, and big integers are slow. */
const readNumber = (bytes: Uint8Array, start: number, end: number): bigint => {
  const low = readExact(bytes, Math.max(start, end - exactBytes), end)
  return end - start <= exactBytes
    ? BigInt(low)
    : (BigInt(readExact(bytes, start, end - exactBytes)) << BigInt(8 * exactBytes)) | BigInt(low)
}

const readExact = (bytes: Uint8Array, start: number, end: number): number => {
  let value = 0
  for (let index = start; index < end; index++) value = value * 0x100 + bytes[index]!
  return value
}
