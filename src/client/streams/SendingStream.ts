import { Result } from "effect"
import * as OnsetDetector from "../../media/OnsetDetector.ts"
import * as PacketRing from "../../media/PacketRing.ts"
import * as PacketRings from "../../media/PacketRings.ts"
import * as Pacing from "../../media/Pacing.ts"
import type * as SendLeg from "../../media/SendLeg.ts"
import * as StreamClock from "../../media/StreamClock.ts"
import * as HopFrame from "../../protocol/HopFrame.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import type { SendBatch } from "../../sockets/PacketBatch.ts"
import { datagramBytesMax } from "../../sockets/PacketMemory.ts"
import * as EndToEndEncryption from "../EndToEndEncryption.ts"
import type { LocalStream } from "../JoinOptions.ts"
import { drawU16, drawU64, type SecureBytes } from "../SecureBytes.ts"
import * as BlindDescriptor from "./BlindDescriptor.ts"
import { metadataOf } from "./Metadata.ts"

/** One RTP packet that the application gives. */
export interface OutgoingPacket {
  /** In clear; at most `payloadBytesMax`. */
  readonly payload: Uint8Array
  /** Media clock ticks, 32 bits. */
  readonly timestamp: number
  readonly marker: boolean
  /** Video: first byte of RFC 9626. Audio: voice bit and level, RFC 6464. See HopFrame. */
  readonly descriptor: number
  /** Audio that has just begun: somebody starts to speak. Left out: by the levels in the descriptors, see OnsetDetector. */
  readonly onset?: boolean
}

/**
 * Longest payload: a datagram of 1,200 bytes, which every path carries, less hop header, RTP header and encryption. Bytes.
 */
export const payloadBytesMax =
  1200 - HopFrame.headerBytes - RtpHeader.fixedHeaderBytes - EndToEndEncryption.overheadBytesMax

/** One whole RTP packet that the application gives: see RtpClient. */
export interface OutgoingRtp {
  /** Copied. */
  readonly bytes: Uint8Array
  /** As in OutgoingPacket. Left out: what the RTP header tells, which is not whether this is a key frame. */
  readonly descriptor?: number
}

/**
 * Longest whole packet, RTP or RTCP: what sockets and relays take in one datagram, less hop header (and encryption, if
 * there is a secret). From 1,461 bytes on (IPv4) the datagram is longer than an Ethernet frame: it goes in two. Bytes.
 */
export const wholePacketBytesMax = datagramBytesMax - HopFrame.trunkHeaderBytes

/** A stream of this device: its numbers and its key, which go on whatever relay carries it. Changed in place. */
export interface SendingStream {
  readonly stream: LocalStream
  readonly clock: StreamClock.StreamClock
  /** `undefined`: payloads go as they are given. */
  readonly encryption: EndToEndEncryption.Sender | undefined
  /** Of whole packets that are given without. */
  readonly blindDescriptor: BlindDescriptor.BlindDescriptor
  /** `undefined` for video. */
  readonly onsets: OnsetDetector.OnsetDetector | undefined
  nextSequenceNumber: number
  packets: number
  payloadBytes: number
  packetsResent: number
  keyFrameRequests: number
}

export const make = (
  stream: LocalStream,
  sharedSecret: Uint8Array | undefined,
  secureBytes: SecureBytes
): SendingStream => ({
  stream,
  clock: StreamClock.make(stream.kind, stream.clockRate),
  encryption:
    sharedSecret === undefined
      ? undefined
      : EndToEndEncryption.makeSender({ secret: sharedSecret, ssrc: stream.ssrc, keyId: drawU64(secureBytes) }),
  blindDescriptor: BlindDescriptor.make(stream.kind),
  onsets: stream.kind === "audio" ? OnsetDetector.make() : undefined,
  // RFC 3550 section 5.1: not to be guessed.
  nextSequenceNumber: drawU16(secureBytes),
  packets: 0,
  payloadBytes: 0,
  packetsResent: 0,
  keyFrameRequests: 0
})

/** Makes the RTP packet, encrypts it, keeps it for resends, and puts it into the batch. */
export const send = (
  self: SendingStream,
  packet: OutgoingPacket,
  leg: SendLeg.SendLeg,
  rings: PacketRings.PacketRings,
  nowMs: number,
  out: SendBatch
): void => {
  if (packet.payload.length > payloadBytesMax) {
    throw new RangeError(`a payload of ${packet.payload.length} bytes is too long: split it at ${payloadBytesMax}`)
  }
  const { payloadType, ssrc } = self.stream
  const { descriptor, marker, payload, timestamp } = packet
  const header = { marker, payloadType, sequenceNumber: self.nextSequenceNumber, timestamp, ssrc }
  self.nextSequenceNumber = SequenceNumber.next(self.nextSequenceNumber)
  const bytes =
    self.encryption === undefined
      ? RtpHeader.encode({ ...header, payload })
      : encrypted(self.encryption, header, payload, descriptor)
  StreamClock.handlePacket(self.clock, timestamp, nowMs)
  const type = frameType(self, descriptor, nowMs, packet.onset)
  keepAndSend(self, { bytes, timestamp, type, descriptor }, leg, rings, nowMs, out)
  self.packets++
  self.payloadBytes += payload.length
}

/** What became of a whole packet. */
export type Outcome = "sent" | "malformed" | "oversized"

/** Sends an RTP packet of this stream as it is; only what is behind its header is encrypted, if there is a key. */
export const sendWhole = (
  self: SendingStream,
  packet: OutgoingRtp,
  leg: SendLeg.SendLeg,
  rings: PacketRings.PacketRings,
  nowMs: number,
  out: SendBatch
): Outcome => {
  const view = new DataView(packet.bytes.buffer, packet.bytes.byteOffset, packet.bytes.byteLength)
  const headerBytes = RtpHeader.headerBytesOf(packet.bytes)
  const descriptor = packet.descriptor ?? BlindDescriptor.handlePacket(self.blindDescriptor, view)
  const bytes =
    self.encryption === undefined
      ? packet.bytes
      : encryptedWhole(self.encryption, packet.bytes, headerBytes, descriptor)
  if (bytes === undefined) return "malformed"
  if (bytes.length > wholePacketBytesMax) return "oversized"
  const timestamp = RtpHeader.timestampAt(view, 0)
  StreamClock.handlePacket(self.clock, timestamp, nowMs)
  const type = frameType(self, descriptor, nowMs)
  keepAndSend(self, { bytes, timestamp, type, descriptor }, leg, rings, nowMs, out)
  self.packets++
  self.payloadBytes += Math.max(0, packet.bytes.length - headerBytes)
  return "sent"
}

/** Sends RTCP about this stream to the other participants. It has no RTP timestamp; it is as old as the stream is. */
export const sendRtcp = (
  self: SendingStream,
  bytes: Uint8Array,
  leg: SendLeg.SendLeg,
  rings: PacketRings.PacketRings,
  nowMs: number,
  out: SendBatch
): Outcome => {
  if (bytes.length > wholePacketBytesMax) return "oversized"
  const type = HopFrame.FrameType.EndToEndRtcp
  keepAndSend(self, { bytes, timestamp: self.clock.newestTimestamp, type, descriptor: 0 }, leg, rings, nowMs, out)
  return "sent"
}

interface Outgoing {
  readonly bytes: Uint8Array
  readonly timestamp: number
  readonly type: HopFrame.FrameType
  readonly descriptor: number
}

/** Where resends come from, and on its way. */
const keepAndSend = (
  self: SendingStream,
  { bytes, descriptor, timestamp, type }: Outgoing,
  leg: SendLeg.SendLeg,
  rings: PacketRings.PacketRings,
  nowMs: number,
  out: SendBatch
): void => {
  const ring = PacketRings.ringOf(rings, type)
  const kept = PacketRing.storeBytes(ring, bytes, timestamp, self.clock, nowMs)
  Pacing.send(leg, leg.legTag, ring, kept, HopFrame.typeByte(type, 0), descriptor, nowMs, out)
}

const headerScratch = new Uint8Array(RtpHeader.fixedHeaderBytes)
const headerView = new DataView(headerScratch.buffer)

const encrypted = (
  encryption: EndToEndEncryption.Sender,
  header: Omit<RtpHeader.RtpPacket, "payload">,
  payload: Uint8Array,
  descriptor: number
): Uint8Array => {
  RtpHeader.writeHeader(headerView, 0, header)
  const sealed = EndToEndEncryption.seal(encryption, payload, metadataOf(headerScratch, descriptor))
  const bytes = new Uint8Array(headerScratch.length + sealed.length)
  bytes.set(headerScratch)
  bytes.set(sealed, headerScratch.length)
  return bytes
}

/** Padding is left out: it is for ciphers that need it, and this one does not. `undefined`: there is no such packet. */
const encryptedWhole = (
  encryption: EndToEndEncryption.Sender,
  packet: Uint8Array,
  headerBytes: number,
  descriptor: number
): Uint8Array | undefined => {
  const decoded = RtpHeader.decode(packet)
  if (Result.isFailure(decoded)) return undefined
  const header = packet.slice(0, headerBytes)
  header[0]! &= ~RtpHeader.paddingFlag
  const sealed = EndToEndEncryption.seal(encryption, decoded.success.payload, metadataOf(header, descriptor))
  const bytes = new Uint8Array(headerBytes + sealed.length)
  bytes.set(header)
  bytes.set(sealed, headerBytes)
  return bytes
}

/** Relays read it in front of the packet, and what is encrypted end to end does not depend on it. */
const frameType = (
  { onsets }: SendingStream,
  descriptor: number,
  nowMs: number,
  isOnset?: boolean
): HopFrame.FrameType => {
  if (onsets === undefined) return HopFrame.FrameType.Video
  const isHeard = OnsetDetector.handleFrame(onsets, descriptor, nowMs)
  return (isOnset ?? isHeard) ? HopFrame.FrameType.AudioOnset : HopFrame.FrameType.Audio
}
