import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import type { Participant } from "./Participant.ts"

/**
 * One RTP stream from its sender to its receivers: numbered, remembered until it has come, and compared byte for byte when
 * it comes. Times are of `performance.now()`, sender and receivers being one process.
 */
export interface MediaFlow {
  readonly sender: Participant
  readonly ssrc: number
  readonly receivers: number
  readonly packetBytes: number
  /** What every packet of the stream has behind its number. */
  readonly payload: Buffer
  /** Number of the next packet. */
  next: number
  /** When packet `n` was sent, at `n & (length - 1)`. */
  readonly sentAtMs: Float64Array
}

/** What one receiver has got of one stream. */
export interface Arrivals {
  readonly flow: MediaFlow
  /** Number of the newest packet. */
  newest: number
}

/** What became of the packets of all flows. */
export interface Tally {
  /** Once for each receiver that a packet is meant for. */
  sent: number
  /** Right in every byte, each once and in order. */
  received: number
  /** Anything else that came: other bytes, other streams, the same again, out of order. */
  wrong: number
}

export const makeTally = (): Tally => ({ sent: 0, received: 0, wrong: 0 })

/** Of the stream, 32 bits, as the first thing in the payload. Bytes. */
const numberBytes = 4
const payloadOffset = HopFrame.headerBytes + RtpHeader.fixedHeaderBytes

/** Packets under way at once are far fewer. A power of two. */
const rememberedPackets = 1 << 14

/** Of the RTP header: version 2, no padding, no extension, no contributing sources. RFC 3550 section 5.1. */
const firstByte = 0x80
const payloadType = 111
/** Of the RTP timestamps. Ticks a millisecond. */
const ticksPerMs = 48

export const make = (options: {
  readonly sender: Participant
  readonly ssrc: number
  readonly receivers: number
  readonly payloadBytes: number
}): MediaFlow => {
  const { payloadBytes, receivers, sender, ssrc } = options
  return {
    sender,
    ssrc,
    receivers,
    packetBytes: payloadOffset + payloadBytes,
    payload: Buffer.from(Array.from({ length: payloadBytes - numberBytes }, () => Math.floor(Math.random() * 256))),
    next: 0,
    sentAtMs: new Float64Array(rememberedPackets)
  }
}

/** A datagram is not touched again before the kernel has it; that many may wait for it. A power of two. */
const buffersInUse = 1024
const bytesMax = 1500
const buffers = Array.from({ length: buffersInUse }, () => {
  const bytes = Buffer.from(new ArrayBuffer(bytesMax))
  return { bytes, view: new DataView(bytes.buffer) }
})
let buffersUsed = 0

/** Sends the stream's next packet. */
export const send = (self: MediaFlow, nowMs: number, tally: Tally): void => {
  const { bytes, view } = buffers[buffersUsed++ & (buffersInUse - 1)]!
  const number = self.next++
  self.sender.writeHeader(view, nowMs)
  RtpHeader.writeHeader(view, HopFrame.headerBytes, {
    marker: false,
    payloadType,
    sequenceNumber: number & 0xffff,
    timestamp: (nowMs * ticksPerMs) >>> 0,
    ssrc: self.ssrc
  })
  view.setUint32(payloadOffset, number)
  self.payload.copy(bytes, payloadOffset + numberBytes)
  self.sentAtMs[number & (rememberedPackets - 1)] = nowMs
  tally.sent += self.receivers
  self.sender.socket.send(bytes, 0, self.packetBytes)
}

/** Takes in a packet at `offset` of a datagram. How long it was on its way, or -1 when it is wrong. Milliseconds. */
export const receive = (self: Arrivals, datagram: Buffer, offset: number, nowMs: number, tally: Tally): number => {
  const { flow } = self
  const payloadAt = offset + RtpHeader.fixedHeaderBytes
  const isLikeSent =
    datagram.length === flow.packetBytes &&
    datagram[offset] === firstByte &&
    datagram.readUInt32BE(offset + 8) === flow.ssrc &&
    datagram[offset + 1] === payloadType &&
    datagram.compare(flow.payload, 0, flow.payload.length, payloadAt + numberBytes) === 0
  const number = isLikeSent ? datagram.readUInt32BE(payloadAt) : -1
  if (number <= self.newest || number >= flow.next || datagram.readUInt16BE(offset + 2) !== (number & 0xffff)) {
    tally.wrong++
    return -1
  }
  const sentAtMs = flow.sentAtMs[number & (rememberedPackets - 1)]!
  if (datagram.readUInt32BE(offset + 4) !== (sentAtMs * ticksPerMs) >>> 0) {
    tally.wrong++
    return -1
  }
  self.newest = number
  tally.received++
  return nowMs - sentAtMs
}
