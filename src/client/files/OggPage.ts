import { Result } from "effect"

/** One page of an Ogg file, RFC 3533 section 6. */
export interface OggPage {
  /** Its first segment goes on with the packet that the page before it left unfinished. */
  readonly continued: boolean
  readonly beginsStream: boolean
  readonly endsStream: boolean
  /** End of the last packet that finishes on this page; -1 when none does. Opus: samples at 48 kHz. */
  readonly granulePosition: bigint
  readonly serialNumber: number
  readonly sequenceNumber: number
  /** Segment lengths. A packet is as many segments of 255 bytes as it fills, and a shorter one, which may be empty. */
  readonly lacing: Uint8Array
  readonly body: Uint8Array
}

export type PageFault = "NoPage" | "CutOff" | "WrongVersion" | "WrongChecksum"

/** "OggS". */
const capturePattern = [0x4f, 0x67, 0x67, 0x53] as const
const version = 0
const fixedHeaderBytes = 27
const checksumOffset = 22

export const lacingMax = 255
export const segmentBytesMax = 255

const continuedFlag = 0x01
const beginsStreamFlag = 0x02
const endsStreamFlag = 0x04

/** Of the whole page. Bytes. */
export const pageBytes = (page: OggPage): number => fixedHeaderBytes + page.lacing.length + page.body.length

/** Segment lengths of a packet. */
export const lacingOf = (packetBytes: number): ReadonlyArray<number> => [
  ...new Array<number>(Math.floor(packetBytes / segmentBytesMax)).fill(segmentBytesMax),
  packetBytes % segmentBytesMax
]

/** Bodies and packets are made of parts. A single part is not copied. */
export const join = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (parts.length === 1) return parts[0]!
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

export const encode = (page: OggPage): Uint8Array => {
  const bytes = new Uint8Array(pageBytes(page))
  const view = new DataView(bytes.buffer)
  bytes.set(capturePattern, 0)
  bytes[4] = version
  bytes[5] =
    (page.continued ? continuedFlag : 0) |
    (page.beginsStream ? beginsStreamFlag : 0) |
    (page.endsStream ? endsStreamFlag : 0)
  view.setBigInt64(6, page.granulePosition, true)
  view.setUint32(14, page.serialNumber, true)
  view.setUint32(18, page.sequenceNumber, true)
  bytes[26] = page.lacing.length
  bytes.set(page.lacing, fixedHeaderBytes)
  bytes.set(page.body, fixedHeaderBytes + page.lacing.length)
  view.setUint32(checksumOffset, checksum(bytes), true)
  return bytes
}

/** The page at an offset; its parts are not copied. */
export const decode = (file: Uint8Array, offset: number): Result.Result<OggPage, PageFault> => {
  for (let index = 0; index < capturePattern.length; index++) {
    if (offset + index >= file.length) return Result.fail("CutOff")
    if (file[offset + index] !== capturePattern[index]) return Result.fail("NoPage")
  }
  if (file.length < offset + fixedHeaderBytes) return Result.fail("CutOff")
  if (file[offset + 4] !== version) return Result.fail("WrongVersion")
  const bodyOffset = offset + fixedHeaderBytes + file[offset + 26]!
  const lacing = file.subarray(offset + fixedHeaderBytes, bodyOffset)
  const end = lacing.reduce((sum, segmentBytes) => sum + segmentBytes, bodyOffset)
  if (file.length < end) return Result.fail("CutOff")
  const view = new DataView(file.buffer, file.byteOffset + offset, end - offset)
  if (checksum(file.subarray(offset, end)) !== view.getUint32(checksumOffset, true)) return Result.fail("WrongChecksum")
  const flags = view.getUint8(5)
  return Result.succeed({
    continued: (flags & continuedFlag) !== 0,
    beginsStream: (flags & beginsStreamFlag) !== 0,
    endsStream: (flags & endsStreamFlag) !== 0,
    granulePosition: view.getBigInt64(6, true),
    serialNumber: view.getUint32(14, true),
    sequenceNumber: view.getUint32(18, true),
    lacing,
    body: file.subarray(bodyOffset, end)
  })
}

/** CRC-32 with this polynomial, most significant bit first, starting and ending plainly. RFC 3533 section 6. */
const polynomial = 0x04c11db7

const checksumTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte << 24
  for (let bit = 0; bit < 8; bit++) remainder = (remainder << 1) ^ (remainder < 0 ? polynomial : 0)
  return remainder
})

/** Of a page, its checksum field taken as zero. */
const checksum = (page: Uint8Array): number => {
  let remainder = 0
  for (let index = 0; index < page.length; index++) {
    const isOwnField = index >= checksumOffset && index < checksumOffset + 4
    const byte = isOwnField ? 0 : page[index]!
    remainder = (remainder << 8) ^ checksumTable[(remainder >>> 24) ^ byte]!
  }
  return remainder >>> 0
}
