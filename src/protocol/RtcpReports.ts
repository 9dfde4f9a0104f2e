import * as ByteFields from "./ByteFields.ts"
import type { NtpTime } from "./NtpTime.ts"
import { PacketType, prepend } from "./RtcpHeader.ts"

/** What one receiver says about one source, RFC 3550 section 6.4.1. */
export interface ReportBlock {
  /** The source. */
  readonly ssrc: number
  /** Of the packets expected since the report before, in 1/256. 8 bits. */
  readonly fractionLost: number
  /** Since the first packet; below zero when there were more duplicates than losses. 24 bits with sign. */
  readonly cumulativeLost: number
  /** Sequence number in the lower 16 bits, how often it has wrapped in the upper. */
  readonly extendedHighestSequence: number
  /** Interarrival jitter in media clock ticks. */
  readonly jitter: number
  /** Middle 32 bits of the NTP time of the newest sender report received; 0: none. */
  readonly lastSenderReport: number
  /** From the arrival of that report to this one, in 1/65536 s; 0: none. */
  readonly delaySinceLastSenderReport: number
}

export interface SenderReport {
  readonly _tag: "SenderReport"
  readonly ssrc: number
  /** When the report was sent; with `rtpTimestamp`, what lines up the streams of one sender. */
  readonly ntpTime: NtpTime
  /** The same moment by the media clock. */
  readonly rtpTimestamp: number
  /** Both since the sender began, 32 bits, wrapping. Octets are those of payloads. */
  readonly packetCount: number
  readonly octetCount: number
  readonly blocks: ReadonlyArray<ReportBlock>
}

export interface ReceiverReport {
  readonly _tag: "ReceiverReport"
  readonly ssrc: number
  readonly blocks: ReadonlyArray<ReportBlock>
}

const blockBytes = 24
const ssrcBytes = 4
const senderInfoBytes = 20

/** Bounds of a cumulative loss: it stays there rather than wrap, RFC 3550 appendix A.3. */
export const cumulativeLostMax = 0x7fffff
export const cumulativeLostMin = -0x800000

/** What follows the header; `undefined` when it is too short. Profile-specific extensions at its end are skipped. */
export const readSenderReport = (body: DataView, count: number): SenderReport | undefined => {
  const blocks = readBlocks(body, ssrcBytes + senderInfoBytes, count)
  return (
    blocks && {
      _tag: "SenderReport",
      ssrc: body.getUint32(0),
      ntpTime: { seconds: body.getUint32(4), fraction: body.getUint32(8) },
      rtpTimestamp: body.getUint32(12),
      packetCount: body.getUint32(16),
      octetCount: body.getUint32(20),
      blocks
    }
  )
}

/** As `readSenderReport`. */
export const readReceiverReport = (body: DataView, count: number): ReceiverReport | undefined => {
  const blocks = readBlocks(body, ssrcBytes, count)
  return blocks && { _tag: "ReceiverReport", ssrc: body.getUint32(0), blocks }
}

const readBlocks = (body: DataView, offset: number, count: number): ReadonlyArray<ReportBlock> | undefined =>
  body.byteLength < offset + count * blockBytes
    ? undefined
    : Array.from({ length: count }, (_, i) => readBlock(body, offset + i * blockBytes))

const readBlock = (body: DataView, offset: number): ReportBlock => ({
  ssrc: body.getUint32(offset),
  fractionLost: body.getUint8(offset + 4),
  // The sign is the highest of 24 bits.
  cumulativeLost: (body.getUint32(offset + 4) << 8) >> 8,
  extendedHighestSequence: body.getUint32(offset + 8),
  jitter: body.getUint32(offset + 12),
  lastSenderReport: body.getUint32(offset + 16),
  delaySinceLastSenderReport: body.getUint32(offset + 20)
})

export const encodeSenderReport = (report: SenderReport): Uint8Array =>
  prepend(
    report.blocks.length,
    PacketType.SenderReport,
    ByteFields.u32(report.ssrc),
    ByteFields.u32(report.ntpTime.seconds),
    ByteFields.u32(report.ntpTime.fraction),
    ByteFields.u32(report.rtpTimestamp),
    ByteFields.u32(report.packetCount),
    ByteFields.u32(report.octetCount),
    ...report.blocks.map(encodeBlock)
  )

export const encodeReceiverReport = (report: ReceiverReport): Uint8Array =>
  prepend(
    report.blocks.length,
    PacketType.ReceiverReport,
    ByteFields.u32(report.ssrc),
    ...report.blocks.map(encodeBlock)
  )

const encodeBlock = (block: ReportBlock): Uint8Array =>
  ByteFields.join(
    ByteFields.u32(block.ssrc),
    ByteFields.u32((block.fractionLost << 24) | (block.cumulativeLost & 0xffffff)),
    ByteFields.u32(block.extendedHighestSequence),
    ByteFields.u32(block.jitter),
    ByteFields.u32(block.lastSenderReport),
    ByteFields.u32(block.delaySinceLastSenderReport)
  )
