import * as ByteFields from "./ByteFields.ts"
import { PacketType, prepend } from "./RtcpHeader.ts"
import * as SequenceNumber from "./SequenceNumber.ts"

/** Packets are missing and asked for again: generic NACK, RFC 4585 section 6.2.1. */
export interface GenericNack {
  readonly _tag: "GenericNack"
  readonly senderSsrc: number
  readonly mediaSsrc: number
  /** Sequence numbers, one at least. Those that lie close are packed together when they ascend. */
  readonly lost: ReadonlyArray<number>
}

/** A decoder has lost its picture: PLI, RFC 4585 section 6.3.1. */
export interface PictureLossIndication {
  readonly _tag: "PictureLossIndication"
  readonly senderSsrc: number
  readonly mediaSsrc: number
}

/** A decoder must have a key frame: FIR, RFC 5104 section 4.3.1. The header names no media source. */
export interface FullIntraRequest {
  readonly _tag: "FullIntraRequest"
  readonly senderSsrc: number
  readonly requests: ReadonlyArray<{
    readonly ssrc: number
    /** 8 bits: one more for every new request, the same for a repetition. */
    readonly sequenceNumber: number
  }>
}

export const nackFormat = 1
export const pictureLossFormat = 1
export const fullIntraFormat = 4

/** SSRCs of sender and media source, before the format's own fields. */
const fixedBytes = 8
const nackEntryBytes = 4
const fullIntraEntryBytes = 8
/** The number that an entry begins with, and the 16 after it in its bit mask. */
const maskBits = 16

/** What follows the header; `undefined` when its length is wrong. */
export const readNack = (body: DataView): GenericNack | undefined => {
  if (body.byteLength < fixedBytes + nackEntryBytes) return undefined
  const lost: Array<number> = []
  for (let at = fixedBytes; at < body.byteLength; at += nackEntryBytes) {
    const first = body.getUint16(at)
    lost.push(first)
    const mask = body.getUint16(at + 2)
    for (let bit = 0; bit < maskBits; bit++) {
      if ((mask & (1 << bit)) !== 0) lost.push((first + bit + 1) & SequenceNumber.mask)
    }
  }
  return { _tag: "GenericNack", senderSsrc: body.getUint32(0), mediaSsrc: body.getUint32(4), lost }
}

/** As `readNack`. */
export const readPictureLoss = (body: DataView): PictureLossIndication | undefined =>
  body.byteLength === fixedBytes
    ? { _tag: "PictureLossIndication", senderSsrc: body.getUint32(0), mediaSsrc: body.getUint32(4) }
    : undefined

/** As `readNack`. */
export const readFullIntra = (body: DataView): FullIntraRequest | undefined => {
  const count = (body.byteLength - fixedBytes) / fullIntraEntryBytes
  if (count < 1 || !Number.isInteger(count)) return undefined
  const requests = Array.from({ length: count }, (_, i) => {
    const at = fixedBytes + i * fullIntraEntryBytes
    return { ssrc: body.getUint32(at), sequenceNumber: body.getUint8(at + 4) }
  })
  return { _tag: "FullIntraRequest", senderSsrc: body.getUint32(0), requests }
}

export const encodeNack = (nack: GenericNack): Uint8Array =>
  prepend(
    nackFormat,
    PacketType.TransportFeedback,
    ByteFields.u32(nack.senderSsrc),
    ByteFields.u32(nack.mediaSsrc),
    ...nackEntries(nack.lost)
  )

const nackEntries = (lost: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const entries: Array<{ readonly first: number; mask: number }> = []
  for (const sequence of lost) {
    const last = entries.at(-1)
    const bit = last === undefined ? -1 : SequenceNumber.distance(last.first, sequence) - 1
    // Behind all that the mask has: readers go through it in this order.
    if (last !== undefined && bit >= 0 && bit < maskBits && last.mask < 1 << bit) last.mask |= 1 << bit
    else entries.push({ first: sequence, mask: 0 })
  }
  return entries.map(({ first, mask }) => ByteFields.join(ByteFields.u16(first), ByteFields.u16(mask)))
}

export const encodePictureLoss = ({ mediaSsrc, senderSsrc }: PictureLossIndication): Uint8Array =>
  prepend(pictureLossFormat, PacketType.PayloadFeedback, ByteFields.u32(senderSsrc), ByteFields.u32(mediaSsrc))

export const encodeFullIntra = ({ requests, senderSsrc }: FullIntraRequest): Uint8Array =>
  prepend(
    fullIntraFormat,
    PacketType.PayloadFeedback,
    ByteFields.u32(senderSsrc),
    ByteFields.u32(0),
    ...requests.map(({ sequenceNumber, ssrc }) =>
      ByteFields.join(ByteFields.u32(ssrc), ByteFields.u32(sequenceNumber << 24))
    )
  )
