import { Result } from "effect"
import { startsWith } from "./FileMagic.ts"

/** Identification header of an Ogg Opus stream, RFC 7845 section 5.1. */
export interface OpusHead {
  /** What the decoder puts out, whatever the packets say: 1 or 2 here. */
  readonly channels: number
  /** To be decoded but not played. Samples at 48 kHz. */
  readonly preSkipSamples: number
  /** Of what the encoder was given; for information. 0 when unknown. Hertz. */
  readonly inputSampleRate: number
  /** To be applied by the player. Decibels, in steps of 1/256. */
  readonly outputGainDb: number
}

export type HeadFault = "NotOpusHead" | "WrongVersion" | "TooManyChannels"

const magic = "OpusHead"
const tagsMagic = "OpusTags"
const version = 1
const headBytes = 19
/** Mono or stereo in one Opus stream: the only ones that RTP carries, RFC 7587. */
const mappingFamilyRtp = 0
const gainStepsPerDb = 256

export const encode = (head: OpusHead): Uint8Array => {
  const bytes = new Uint8Array(headBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(magic))
  bytes[8] = version
  bytes[9] = head.channels
  view.setUint16(10, head.preSkipSamples, true)
  view.setUint32(12, head.inputSampleRate, true)
  view.setInt16(16, Math.round(head.outputGainDb * gainStepsPerDb), true)
  bytes[18] = mappingFamilyRtp
  return bytes
}

export const isOpusHead = (packet: Uint8Array): boolean => startsWith(packet, magic)

export const decode = (packet: Uint8Array): Result.Result<OpusHead, HeadFault> => {
  if (packet.length < headBytes || !isOpusHead(packet)) return Result.fail("NotOpusHead")
  // The upper four bits tell incompatible versions apart.
  if (packet[8]! >> 4 !== 0) return Result.fail("WrongVersion")
  const channels = packet[9]!
  if (packet[18] !== mappingFamilyRtp || channels > 2) return Result.fail("TooManyChannels")
  if (channels === 0) return Result.fail("NotOpusHead")
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  return Result.succeed({
    channels,
    preSkipSamples: view.getUint16(10, true),
    inputSampleRate: view.getUint32(12, true),
    outputGainDb: view.getInt16(16, true) / gainStepsPerDb
  })
}

/** The comment header, RFC 7845 section 5.2, that names the program and says nothing else. */
export const encodeTags = (vendor: string): Uint8Array => {
  const vendorBytes = new TextEncoder().encode(vendor)
  const bytes = new Uint8Array(tagsMagic.length + 4 + vendorBytes.length + 4)
  bytes.set(new TextEncoder().encode(tagsMagic))
  new DataView(bytes.buffer).setUint32(tagsMagic.length, vendorBytes.length, true)
  bytes.set(vendorBytes, tagsMagic.length + 4)
  return bytes
}

export const isOpusTags = (packet: Uint8Array): boolean => startsWith(packet, tagsMagic)
