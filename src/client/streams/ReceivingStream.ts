import { Result } from "effect"
import * as JitterBuffer from "../../media/JitterBuffer.ts"
import * as KeyFrameRequest from "../../media/KeyFrameRequest.ts"
import * as HopFrame from "../../protocol/HopFrame.ts"
import type { ParticipantId } from "../../protocol/Ids.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import type { StreamDescription } from "../../protocol/StreamDescription.ts"
import * as EndToEndEncryption from "../EndToEndEncryption.ts"
import * as CounterWindow from "../encryption/CounterWindow.ts"
import { metadataOf } from "./Metadata.ts"
import type { ReceivedPacket } from "./ReceivedPacket.ts"
import type { ReceivedRtp } from "./ReceivedRtp.ts"
import * as RecentPackets from "./RecentPackets.ts"

/**
 * A stream of another participant: each packet is taken once, whatever leg it comes on, decrypted, and put in order; or
 * handed out whole at once, for who does the rest. Changed in place; reads no clock.
 */
export interface ReceivingStream {
  readonly participant: ParticipantId
  readonly description: StreamDescription
  /** `undefined`: payloads are handed out as they come. */
  readonly decryption: EndToEndEncryption.Receiver | undefined
  /** Video only. */
  readonly keyFrames: KeyFrameRequest.KeyFrameRequest | undefined
  /** `undefined`: packets are put in order, which the fields behind this one are for. */
  readonly whole: WholePackets | undefined
  jitter: JitterBuffer.JitterBuffer<ReceivedPacket>
  /** RTP sequence numbers, extended, that have been here. */
  seen: CounterWindow.CounterWindow
  /** Of the last packet that was handed out; -1 before the first. */
  lastSequenceNumber: number
  /** Far from all others, and the number that would continue it; -1: the last packet was not. */
  strayNext: number
  /** When its sender, who has left, is forgotten; Infinity: who is still there. Milliseconds. */
  departsAtMs: number
  readonly counters: ReceivingCounters
}

/** What takes whole packets as they come, and which of them were here. */
interface WholePackets {
  readonly recent: RecentPackets.RecentPackets
  readonly handOut: (packet: ReceivedRtp) => void
}

/** Packets, unless said otherwise. */
export interface ReceivingCounters {
  packets: number
  payloadBytes: number
  packetsRepaired: number
  /** Given up: they did not come before their playout time. */
  packetsMissed: number
  /** Came after they had been given up. */
  packetsLate: number
  packetsDuplicate: number
  /** Changed on the way, or encrypted with another secret. */
  packetsUndecryptable: number
}

/** A packet as it has come, with what its frame says about it. */
export interface ArrivedPacket {
  /** With its RTP header. Only read, and copied. */
  readonly bytes: Uint8Array
  readonly descriptor: number
  readonly repaired: boolean
  readonly arrivedAtMs: number
}

/** One lap of sequence numbers, so that those before the first do not become negative. */
const firstLap = SequenceNumber.mask + 1
/** RFC 3550 appendix A.1: a number further back is no late packet, but a sender that has started anew. */
const misorderMax = 100

export interface Options {
  readonly sharedSecret: Uint8Array | undefined
  readonly playoutDelayMs: number
  /** Takes packets whole and as they come; left out, they come out of `poll` in order. */
  readonly handOutWhole?: ((packet: ReceivedRtp) => void) | undefined
}

export const make = (participant: ParticipantId, description: StreamDescription, options: Options): ReceivingStream => {
  const { handOutWhole, playoutDelayMs, sharedSecret } = options
  const { clockRate, kind, ssrc } = description
  return {
    participant,
    description,
    decryption: sharedSecret && EndToEndEncryption.makeReceiver({ secret: sharedSecret, ssrc }),
    keyFrames: kind === "video" ? KeyFrameRequest.make(ssrc) : undefined,
    whole: handOutWhole && { recent: RecentPackets.make(), handOut: handOutWhole },
    jitter: JitterBuffer.make({ clockRate, playoutDelayMs }),
    seen: CounterWindow.make(),
    lastSequenceNumber: -1,
    strayNext: -1,
    departsAtMs: Infinity,
    counters: {
      packets: 0,
      payloadBytes: 0,
      packetsRepaired: 0,
      packetsMissed: 0,
      packetsLate: 0,
      packetsDuplicate: 0,
      packetsUndecryptable: 0
    }
  }
}

/** Takes a packet in. It comes out of `poll` when its turn has come. */
export const handlePacket = (self: ReceivingStream, arrived: ArrivedPacket): void => {
  if (self.whole === undefined) putInOrder(self, arrived)
  else handOut(self, self.whole, arrived)
}

const handOut = (self: ReceivingStream, whole: WholePackets, arrived: ArrivedPacket): void => {
  const { counters, description, participant } = self
  const { arrivedAtMs, bytes, descriptor, repaired } = arrived
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sequenceNumber = RtpHeader.sequenceNumberAt(view, 0)
  const timestamp = RtpHeader.timestampAt(view, 0)
  if (RecentPackets.has(whole.recent, sequenceNumber, timestamp)) {
    counters.packetsDuplicate++
    return
  }
  const packet = self.decryption === undefined ? bytes.slice() : openWhole(self, arrived)
  if (packet === undefined) return
  RecentPackets.remember(whole.recent, sequenceNumber, timestamp)
  if (self.keyFrames !== undefined && HopFrame.startsKeyFrame(descriptor))
    KeyFrameRequest.handleKeyFrame(self.keyFrames)
  counters.packets++
  counters.payloadBytes += Math.max(0, packet.length - RtpHeader.headerBytesOf(packet))
  if (repaired) counters.packetsRepaired++
  whole.handOut({ participant, stream: description, bytes: packet, descriptor, arrivedAtMs, repaired })
}

const putInOrder = (self: ReceivingStream, arrived: ArrivedPacket): void => {
  const decoded = RtpHeader.decode(arrived.bytes)
  if (Result.isFailure(decoded)) {
    self.counters.packetsUndecryptable++
    return
  }
  const { sequenceNumber } = decoded.success
  const isStray = isFarBehind(self, sequenceNumber)
  if (!isStray && !CounterWindow.isNew(self.seen, extend(self, sequenceNumber))) {
    self.counters.packetsDuplicate++
    return
  }
  const payload = openPayload(self, decoded.success.payload, arrived)
  if (payload === undefined) return
  if (isStray && !startsAnew(self, sequenceNumber)) return
  self.strayNext = -1
  if (self.keyFrames !== undefined) askIfNeeded(self, self.keyFrames, arrived.descriptor)
  CounterWindow.remember(self.seen, extend(self, sequenceNumber))
  JitterBuffer.handlePacket(self.jitter, toReceived(self, decoded.success, payload, arrived))
  self.counters.packetsLate += self.jitter.packetsLate
  self.jitter.packetsLate = 0
  self.counters.packets++
  self.counters.payloadBytes += payload.length
  if (arrived.repaired) self.counters.packetsRepaired++
}

/** Appends the packets whose turn it is. */
export const poll = (self: ReceivingStream, nowMs: number, out: Array<ReceivedPacket>): void => {
  const first = out.length
  JitterBuffer.poll(self.jitter, nowMs, out)
  for (let i = first; i < out.length; i++) {
    const packet = out[i]!
    const missedBefore =
      self.lastSequenceNumber < 0 ? 0 : SequenceNumber.distance(self.lastSequenceNumber, packet.sequenceNumber) - 1
    self.lastSequenceNumber = packet.sequenceNumber
    if (missedBefore <= 0) continue
    out[i] = { ...packet, missedBefore }
    self.counters.packetsMissed += missedBefore
    // The decoder cannot go on: what is missing will not come any more.
    if (!HopFrame.startsKeyFrame(packet.descriptor)) requestKeyFrame(self)
  }
}

export const nextDeadlineMs = (self: ReceivingStream): number => JitterBuffer.nextDeadlineMs(self.jitter)

/** The decoder needs a key frame; the owner polls the request. */
export const requestKeyFrame = ({ keyFrames }: ReceivingStream): void => {
  if (keyFrames !== undefined) KeyFrameRequest.handleRequest(keyFrames)
}

const toReceived = (
  { description, participant }: ReceivingStream,
  { marker, sequenceNumber, timestamp }: RtpHeader.RtpPacket,
  payload: Uint8Array,
  { arrivedAtMs, descriptor, repaired }: ArrivedPacket
): ReceivedPacket => ({
  participant,
  ssrc: description.ssrc,
  kind: description.kind,
  codec: description.codec,
  sequenceNumber,
  timestamp,
  marker,
  payload,
  descriptor,
  arrivedAtMs,
  repaired,
  missedBefore: 0
})

const extend = (self: ReceivingStream, sequenceNumber: number): number => {
  const { highest } = self.seen
  return highest < 0
    ? firstLap + sequenceNumber
    : highest + SequenceNumber.distance(highest & SequenceNumber.mask, sequenceNumber)
}

const isFarBehind = (self: ReceivingStream, sequenceNumber: number): boolean =>
  self.seen.highest - extend(self, sequenceNumber) >= CounterWindow.windowPackets + misorderMax

/** Two strays in a row, and the sender has started anew. */
const startsAnew = (self: ReceivingStream, sequenceNumber: number): boolean => {
  const isSecond = sequenceNumber === self.strayNext
  self.strayNext = SequenceNumber.next(sequenceNumber)
  if (!isSecond) return false
  self.jitter = JitterBuffer.make(self.jitter.options)
  self.seen = CounterWindow.make()
  self.lastSequenceNumber = -1
  return true
}

const openPayload = (
  { counters, decryption }: ReceivingStream,
  sealed: Uint8Array,
  { bytes, descriptor }: ArrivedPacket
): Uint8Array | undefined => {
  if (decryption === undefined) return sealed.slice()
  const opened = EndToEndEncryption.open(decryption, sealed, metadataOf(bytes, descriptor))
  if (Result.isSuccess(opened)) return opened.success
  if (opened.failure.reason === "Replayed") counters.packetsDuplicate++
  else counters.packetsUndecryptable++
  return undefined
}

/** The header as it came, and the plain payload behind it. */
const openWhole = (self: ReceivingStream, arrived: ArrivedPacket): Uint8Array | undefined => {
  const headerBytes = RtpHeader.headerBytesOf(arrived.bytes)
  const payload = openPayload(self, arrived.bytes.subarray(headerBytes), arrived)
  if (payload === undefined) return undefined
  const packet = new Uint8Array(headerBytes + payload.length)
  packet.set(arrived.bytes.subarray(0, headerBytes))
  packet.set(payload, headerBytes)
  return packet
}

/** The first packet of a video stream that was under way before needs what came before it. */
const askIfNeeded = (self: ReceivingStream, keyFrames: KeyFrameRequest.KeyFrameRequest, descriptor: number): void => {
  if (HopFrame.startsKeyFrame(descriptor)) KeyFrameRequest.handleKeyFrame(keyFrames)
  else if (self.seen.highest < 0) KeyFrameRequest.handleRequest(keyFrames)
}
