import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import type { Participant } from "./Participant.ts"
import type { Inbox, Train } from "./Wire.ts"

/**
 * One RTP stream from its sender to its receivers: numbered, remembered until it has come, and compared byte for byte when
 * it comes. Times are of `performance.now()`, sender and receivers being one process.
 */
export interface MediaFlow {
  readonly sender: Participant
  readonly ssrc: number
  readonly receivers: number
  /** Packets of one frame. */
  readonly framePackets: number
  /** Of the RTP packet. */
  readonly packetBytes: number
  /** What every packet of the stream has behind its number, in words, and what is left behind the last whole one. */
  readonly payload: Int32Array<ArrayBuffer>
  readonly payloadTail: Uint8Array<ArrayBuffer>
  /** Packets that go out in one go. */
  readonly train: Train
  /** Number of the next packet. */
  next: number
  /** When packet `n` was sent, at `n & (length - 1)`. */
  readonly sentAtMs: Float64Array<ArrayBuffer>
}

/** What one receiver has got of one stream. */
export interface Arrivals {
  readonly flow: MediaFlow
  /** Number of the newest packet. */
  newest: number
  /** Number of the newest that is no longer waited for. */
  writtenOff: number
}

export const makeArrivals = (flow: MediaFlow): Arrivals => ({ flow, newest: -1, writtenOff: -1 })

/** What became of the packets of some flows. */
export interface Tally {
  /** Once for each receiver that a packet is meant for. */
  sent: number
  /** Right in every byte, each once and in order. */
  received: number
  /** Anything else that came: other bytes, other streams, the same again, out of order. */
  wrong: number
  /** Those that had not come when a later one came, or that are no longer waited for. What is left is under way. */
  missed: number
}

export const makeTally = (): Tally => ({ sent: 0, received: 0, wrong: 0, missed: 0 })

/** Of the stream, 32 bits, as the first thing in the payload. Bytes. */
const numberBytes = 4
const numberOffset = RtpHeader.fixedHeaderBytes
const payloadOffset = numberOffset + numberBytes

/** Version 2, no padding, no extension, no contributing sources, no marker: the upper half of the first word. RFC 3550 section 5.1. */
const payloadType = 111
const firstHalfWord = 0x8000 | payloadType
/** Of the RTP timestamps. Ticks a millisecond. */
const ticksPerMs = 48

export const make = (options: {
  readonly sender: Participant
  readonly ssrc: number
  readonly receivers: number
  /** The number in it: 4 at least. */
  readonly payloadBytes: number
  readonly framePackets: number
  /** Sent in one go when they are no frame. */
  readonly runPackets: number
  /** Under way at once. A power of two. */
  readonly rememberedPackets: number
}): MediaFlow => {
  const { framePackets, payloadBytes, receivers, rememberedPackets, runPackets, sender, ssrc } = options
  const payload = Uint8Array.from({ length: payloadBytes - numberBytes }, () => Math.floor(Math.random() * 256))
  const wholeWords = payload.length >> 2
  const packetBytes = RtpHeader.fixedHeaderBytes + payloadBytes
  const packetsMax = framePackets > 1 ? framePackets : runPackets
  const train = sender.sending.prepare(sender.headerBytes + packetBytes, packetsMax)
  // All that is the same in every packet is written once.
  for (let i = 0; i < packetsMax; i++) {
    const at = i * train.packetBytes + sender.headerBytes
    RtpHeader.writeHeader(train.view, at, { marker: false, payloadType, sequenceNumber: 0, timestamp: 0, ssrc })
    train.bytes.set(payload, at + payloadOffset)
  }
  return {
    sender,
    ssrc,
    receivers,
    framePackets,
    packetBytes,
    payload: new Int32Array(payload.buffer, 0, wholeWords),
    payloadTail: payload.subarray(wholeWords * 4),
    train,
    next: 0,
    sentAtMs: new Float64Array(rememberedPackets)
  }
}

/** Sends the stream's next packets: one frame, or, where frames are single packets, up to `runPackets` of them. */
export const send = (self: MediaFlow, packets: number, nowMs: number, tally: Tally): void => {
  const { framePackets, packetBytes, sender, sentAtMs, train } = self
  const { view } = train
  const timestamp = (nowMs * ticksPerMs) >>> 0
  for (let i = 0; i < packets; i++) {
    const number = self.next++
    const isFirst = framePackets === 1 || i === 0
    const isLast = framePackets === 1 || i === packets - 1
    const place = (isFirst ? HopFrame.startOfFrameFlag : 0) | (isLast ? HopFrame.endOfFrameFlag : 0)
    const at = i * train.packetBytes
    sender.writeHeader(view, at, packetBytes, place, nowMs)
    const packet = at + sender.headerBytes
    view.setUint16(packet + 2, number)
    view.setUint32(packet + 4, timestamp)
    view.setUint32(packet + numberOffset, number)
    sentAtMs[number & (sentAtMs.length - 1)] = nowMs
  }
  tally.sent += packets * self.receivers
  train.send(packets, framePackets > 1)
}

/**
 * Takes in an RTP packet, `offset` being a multiple of 4. How long it was on its way, or -1 when it is wrong. Milliseconds.
 */
export const receive = (
  self: Arrivals,
  inbox: Inbox,
  offset: number,
  end: number,
  nowMs: number,
  tally: Tally
): number => {
  const { flow } = self
  const { view } = inbox
  const isWhole = end - offset === flow.packetBytes
  const number = isWhole ? view.getUint32(offset + numberOffset) : -1
  const isNext = number > self.newest && number < flow.next && number >= flow.next - flow.sentAtMs.length
  const sentAtMs = flow.sentAtMs[number & (flow.sentAtMs.length - 1)]!
  if (
    !isNext ||
    view.getUint32(offset) !== firstHalfWord * 0x10000 + (number & 0xffff) ||
    view.getUint32(offset + 4) !== (sentAtMs * ticksPerMs) >>> 0 ||
    view.getUint32(offset + 8) !== flow.ssrc ||
    !isPayload(flow, inbox, offset + payloadOffset)
  ) {
    tally.wrong++
    return -1
  }
  if (number > self.writtenOff) tally.missed += number - 1 - Math.max(self.newest, self.writtenOff)
  else tally.missed--
  self.newest = number
  tally.received++
  return nowMs - sentAtMs
}

/** What has not come of all that was sent is no longer waited for. If it comes all the same, it is as right as it was. */
export const writeOff = (self: Arrivals, tally: Tally): void => {
  const newest = self.flow.next - 1
  tally.missed += newest - Math.max(self.newest, self.writtenOff)
  self.writtenOff = newest
}

/** Word by word: for packets of this size that is faster than to ask the system's library. */
const isPayload = ({ payload, payloadTail }: MediaFlow, { bytes, words }: Inbox, at: number): boolean => {
  const firstWord = at >> 2
  let difference = 0
  for (let word = 0; word < payload.length; word++) difference |= words[firstWord + word]! ^ payload[word]!
  const tailAt = at + payload.length * 4
  for (let byte = 0; byte < payloadTail.length; byte++) difference |= bytes[tailAt + byte]! ^ payloadTail[byte]!
  return difference === 0
}
