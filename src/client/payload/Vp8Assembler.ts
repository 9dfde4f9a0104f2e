import { Result } from "effect"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import * as Vp8Payload from "./Vp8Payload.ts"

/**
 * Puts the frames of one VP8 stream together again. It takes RTP packets in their order (a jitter buffer stands before it)
 * and sees losses as holes in the sequence numbers. Owned by one receiver and changed in place. A sender that starts its
 * sequence numbers anew needs a new assembler.
 */
export interface Vp8Assembler {
  /** The frame that is being gathered: `length` bytes of `buffer`. */
  buffer: Uint8Array
  length: number
  gathering: boolean
  /** Of the frame last begun, whether it was finished or given up. */
  timestamp: number | undefined
  nextSequence: number | undefined
  /** A frame is missing, so that nothing is decodable before the next key frame. */
  waitsForKeyFrame: boolean
  readonly counters: Vp8AssemblerCounters
}

export interface Vp8AssemblerCounters {
  /** Yielded frames. */
  frames: number
  /** Frames of which some packets came, but not all. */
  incompleteFrames: number
  /** Packets that never came, without those that a relay withheld. */
  missingPackets: number
  /** Packets that came a second time, or after a later one. */
  latePackets: number
  malformedPackets: number
}

export interface Vp8RtpPacket {
  readonly sequenceNumber: number
  /** 90 kHz. */
  readonly timestamp: number
  readonly marker: boolean
  readonly payload: Uint8Array
  /** The relay says that the hole before this packet is intentional: it withheld whole frames that nobody needs. */
  readonly holeIsIntentional?: boolean
}

export interface Vp8Frame {
  /** The caller's own. */
  readonly bytes: Uint8Array
  readonly keyFrame: boolean
  /** RTP timestamp, 90 kHz. */
  readonly timestamp: number
  /** False when a frame is missing since the last key frame: a decoder would show a broken picture. */
  readonly decodable: boolean
}

/** A longer frame is given up, so that a sender which never ends one cannot take all memory. Bytes. */
export const frameBytesMax = 4 << 20

const bufferBytesInitial = 16 << 10

export const make = (): Vp8Assembler => ({
  buffer: new Uint8Array(bufferBytesInitial),
  length: 0,
  gathering: false,
  timestamp: undefined,
  nextSequence: undefined,
  waitsForKeyFrame: true,
  counters: { frames: 0, incompleteFrames: 0, missingPackets: 0, latePackets: 0, malformedPackets: 0 }
})

/** The frame that this packet completes, or `undefined`. The payload is copied: it may be reused at once. */
export const handlePacket = (self: Vp8Assembler, packet: Vp8RtpPacket): Vp8Frame | undefined => {
  if (!followSequence(self, packet)) return undefined
  // Padding alone: libwebrtc probes with it.
  if (packet.payload.length === 0) return undefined
  // A frame ends with the marker (RFC 7741 section 4.1): one that another timestamp follows has no end.
  if (self.gathering && packet.timestamp !== self.timestamp) giveUp(self, self.timestamp)
  const read = Vp8Payload.read(packet.payload)
  if (Result.isFailure(read)) {
    self.counters.malformedPackets++
    giveUp(self, packet.timestamp)
    return undefined
  }
  const payload = read.success
  if (!self.gathering) {
    const begins = payload.startOfPartition && payload.partitionIndex === 0 && packet.timestamp !== self.timestamp
    if (!begins) {
      giveUp(self, packet.timestamp)
      return undefined
    }
    self.gathering = true
    self.timestamp = packet.timestamp
    self.length = 0
  }
  if (!append(self, payload.bytes)) {
    giveUp(self, packet.timestamp)
    return undefined
  }
  return packet.marker ? complete(self, packet.timestamp) : undefined
}

/** Counts holes; false when the packet is late and must be ignored. */
const followSequence = (self: Vp8Assembler, packet: Vp8RtpPacket): boolean => {
  const ahead = self.nextSequence === undefined ? 0 : SequenceNumber.distance(self.nextSequence, packet.sequenceNumber)
  if (ahead < 0) {
    self.counters.latePackets++
    return false
  }
  self.nextSequence = SequenceNumber.next(packet.sequenceNumber)
  if (ahead === 0) return true
  if (self.gathering) giveUp(self, self.timestamp)
  if (packet.holeIsIntentional !== true) {
    self.counters.missingPackets += ahead
    self.waitsForKeyFrame = true
  }
  return true
}

/** Counts each frame once, however many of its packets come. */
const giveUp = (self: Vp8Assembler, timestamp: number | undefined): void => {
  if (self.gathering || timestamp !== self.timestamp) self.counters.incompleteFrames++
  self.gathering = false
  self.timestamp = timestamp
  self.waitsForKeyFrame = true
}

const append = (self: Vp8Assembler, bytes: Uint8Array): boolean => {
  const length = self.length + bytes.length
  if (length > frameBytesMax) return false
  if (length > self.buffer.length) {
    const larger = new Uint8Array(Math.max(length, 2 * self.buffer.length))
    larger.set(self.buffer.subarray(0, self.length))
    self.buffer = larger
  }
  self.buffer.set(bytes, self.length)
  self.length = length
  return true
}

const complete = (self: Vp8Assembler, timestamp: number): Vp8Frame => {
  const bytes = self.buffer.slice(0, self.length)
  const keyFrame = Vp8Payload.isKeyFrame(bytes)
  if (keyFrame) self.waitsForKeyFrame = false
  self.gathering = false
  self.counters.frames++
  return { bytes, keyFrame, timestamp, decodable: !self.waitsForKeyFrame }
}
