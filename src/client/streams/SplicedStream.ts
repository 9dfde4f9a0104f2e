import * as HopFrame from "../../protocol/HopFrame.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import type { StreamDescription } from "../../protocol/StreamDescription.ts"
import type { ReceivedPacket } from "./ReceivedPacket.ts"

/**
 * The layers of one source as the one stream that the application sees. It takes the packets of each layer in order, and
 * gives whole frames: of the layer that was begun last, from a key frame of it on. Their timestamps are shared, and grow;
 * sequence numbers are made anew, without holes but for what was lost. The SSRC is the lowest layer's. Owned by one receiver
 * and changed in place; reads no clock.
 */
export interface SplicedStream {
  readonly ssrc: number
  readonly clockRate: number
  /** The SSRC of the layer that is handed out; -1: none has begun. */
  active: number
  /** The frame that is being gathered, by SSRC. Empty between frames. */
  readonly frames: Map<number, Array<ReceivedPacket>>
  /** -1 before the first. */
  nextSequenceNumber: number
  /** Of the last frame that was handed out, as its sender made it. */
  lastTimestamp: number
  /** A key frame of another layer, of the moment of the last one: it counts when its layer goes on. Empty: there is none. */
  held: ReadonlyArray<ReceivedPacket>
  /** The timestamp of one that counted, and was handed out a tick later; -1: of none. */
  repeatedTimestamp: number
  /** Packets of the active layer that were lost since its last frame, and those of frames that were not whole. A key frame needs none. */
  missed: number
}

/** A key frame further from the last frame than anything can be late is of a sender that has started anew. Seconds. */
const restartSeconds = 10
/** When frames of a layer come so much after the last that was handed out, and no key frame, one is asked for. Seconds. */
const lostSeconds = 0.2
/** A longer frame is given up, so that a sender which never ends one cannot take all memory. */
const framePacketsMax = 4096

export const make = ({ clockRate, ssrc }: StreamDescription): SplicedStream => ({
  ssrc,
  clockRate,
  active: -1,
  frames: new Map(),
  nextSequenceNumber: -1,
  lastTimestamp: 0,
  held: [],
  repeatedTimestamp: -1,
  missed: 0
})

/**
 * Takes in the next packet of a layer; appends those of its frame once that is whole and has its turn. True: the layer flows
 * and cannot be handed out, so a key frame of it is needed.
 */
export const handlePacket = (self: SplicedStream, packet: ReceivedPacket, out: Array<ReceivedPacket>): boolean => {
  const { descriptor, ssrc } = packet
  const startsFrame = (descriptor & HopFrame.startOfFrameFlag) !== 0
  const gathered = frameOf(self, ssrc)
  const isNext = gathered[0]?.timestamp === packet.timestamp && packet.missedBefore === 0
  const goesOn = isNext && !startsFrame && gathered.length < framePacketsMax
  if (!goesOn) giveUp(self, gathered)
  if (ssrc === self.active) self.missed += packet.missedBefore
  gathered.push(packet)
  if (!goesOn && !startsFrame) {
    // The frame has lost its beginning.
    giveUp(self, gathered)
    return false
  }
  if (!packet.marker && (descriptor & HopFrame.endOfFrameFlag) === 0) return false
  self.frames.set(ssrc, [])
  return handOut(self, gathered, out)
}

const frameOf = (self: SplicedStream, ssrc: number): Array<ReceivedPacket> => {
  const known = self.frames.get(ssrc)
  if (known !== undefined) return known
  const empty: Array<ReceivedPacket> = []
  self.frames.set(ssrc, empty)
  return empty
}

const giveUp = (self: SplicedStream, frame: Array<ReceivedPacket>): void => {
  if (frame[0]?.ssrc === self.active) self.missed += frame.length
  frame.length = 0
}

/** Hands out a whole frame, if it has its place. Returns as `handlePacket`. */
const handOut = (self: SplicedStream, frame: ReadonlyArray<ReceivedPacket>, out: Array<ReceivedPacket>): boolean => {
  const { descriptor, ssrc, timestamp } = frame[0]!
  const isKeyFrame = HopFrame.startsKeyFrame(descriptor)
  const hasBegun = self.active >= 0
  const ahead = hasBegun ? SequenceNumber.timestampDistance(self.lastTimestamp, timestamp) : 1
  const isRestart = isKeyFrame && Math.abs(ahead) > restartSeconds * self.clockRate
  // Of a layer that the relay had chosen before.
  if (ahead < 0 && !isRestart) return false
  if (ssrc !== self.active) {
    if (isKeyFrame && hasBegun && ahead === 0) {
      // Both layers may have been sent in either order: the next frame shows which was the last.
      self.held = frame
      return false
    }
    if (!isKeyFrame && self.held[0]?.ssrc !== ssrc) return !hasBegun || ahead > lostSeconds * self.clockRate
    self.active = ssrc
    if (!isKeyFrame) {
      self.repeatedTimestamp = self.lastTimestamp
      self.missed = 0
      append(self, self.held, out)
      self.missed = frame[0]!.missedBefore
    }
  }
  if (isKeyFrame) self.missed = 0
  if (ahead !== 0) self.held = []
  self.lastTimestamp = timestamp
  append(self, frame, out)
  return false
}

const append = (self: SplicedStream, frame: ReadonlyArray<ReceivedPacket>, out: Array<ReceivedPacket>): void => {
  for (const packet of frame) {
    const { missed, nextSequenceNumber, repeatedTimestamp, ssrc } = self
    const first = nextSequenceNumber < 0 ? packet.sequenceNumber : nextSequenceNumber
    const sequenceNumber = (first + missed) & SequenceNumber.mask
    const timestamp = packet.timestamp === repeatedTimestamp ? (packet.timestamp + 1) >>> 0 : packet.timestamp
    out.push({ ...packet, ssrc, sequenceNumber, timestamp, missedBefore: missed })
    self.nextSequenceNumber = SequenceNumber.next(sequenceNumber)
    self.missed = 0
  }
}
