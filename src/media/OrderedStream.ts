import * as HopFrame from "../protocol/HopFrame.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as CounterWindow from "./CounterWindow.ts"
import * as JitterBuffer from "./JitterBuffer.ts"
import * as KeyFrameRequest from "./KeyFrameRequest.ts"
import * as PlayoutDelay from "./PlayoutDelay.ts"
import * as StreamClock from "./StreamClock.ts"

/**
 * What a receiver does with the packets of one stream, whatever is in them: each is taken once, they are put in order,
 * gaps are waited for and given up, and of video a key frame is asked for when there is no other way on. Owned by one
 * receiving stream, changed in place.
 */
export interface OrderedStream<Packet extends Ordered> {
  readonly options: JitterBuffer.Options
  /** Video only; the owner polls it. */
  readonly keyFrames: KeyFrameRequest.KeyFrameRequest | undefined
  jitter: JitterBuffer.JitterBuffer<Packet>
  /** RTP sequence numbers, extended, that have been here. */
  seen: CounterWindow.CounterWindow
  /** Of the last packet that left; -1 before the first. */
  lastSequenceNumber: number
  /** Of all that have been here. */
  newestTimestamp: number
  /** Packets that follow an intended hole and have not left, by sequence number. */
  readonly holes: Map<number, IntendedHole>
  /** Far from all others, and the number that would continue it; -1: the last packet was not. */
  strayNext: number
  /** Given up: they did not come in time. */
  packetsMissed: number
  /** Came after they had been given up. */
  packetsLate: number
}

export interface Ordered extends JitterBuffer.Buffered {
  /** As in the hop header, see HopFrame. */
  readonly descriptor: number
  /** Packets of the stream before it that were given up: known when it leaves. */
  missedBefore: number
}

/**
 * The relay has left out packets before this one: whether that is all that is missing before it. False as long as one that it
 * has sent may be on its way.
 */
export type IntendedHole = () => boolean

/**
 * A delay that follows the path. At least one packet of audio; at most what is repaired of audio, for whatever would be
 * later is no conversation any more (ITU-T G.114: 400 ms). Milliseconds.
 */
export const adaptive: PlayoutDelay.Bounds = { minMs: 20, maxMs: StreamClock.audioDeadlineMs }

/** One lap of sequence numbers, so that those before the first do not become negative. */
const firstLap = SequenceNumber.mask + 1
/** RFC 3550 appendix A.1: a number further back is no late packet, but a sender that has started anew. */
const misorderMax = 100

export interface Options {
  /** A number is fixed, and nothing is waited for longer. Milliseconds. */
  readonly playoutDelayMs: number | PlayoutDelay.Bounds
  /** What is lost is asked for again. */
  readonly repair: boolean
}

export const make = <Packet extends Ordered>(
  { clockRate, kind, simulcast, ssrc }: StreamDescription,
  { playoutDelayMs, repair }: Options
): OrderedStream<Packet> => {
  // A picture that comes late is shown late, as libwebrtc does: its video waits for what was asked for again, and for a
  // key frame after that. Nothing comes again later than this.
  const waits = kind === "video" && repair && typeof playoutDelayMs !== "number"
  const repairMs = waits ? StreamClock.videoDeadlineMs : 0
  // A relay begins to forward a layer with a key frame.
  const isFirstKnown = simulcast !== undefined
  const options = { clockRate, delay: PlayoutDelay.boundsOf(playoutDelayMs), repairMs, isFirstKnown }
  return {
    options,
    keyFrames: kind === "video" ? KeyFrameRequest.make(ssrc) : undefined,
    jitter: JitterBuffer.make(options),
    seen: CounterWindow.make(),
    lastSequenceNumber: -1,
    newestTimestamp: 0,
    holes: new Map(),
    strayNext: -1,
    packetsMissed: 0,
    packetsLate: 0
  }
}

/** Whether it may be taken in: it was not here before, or it is so far behind that its sender may have started anew. */
export const isNew = <Packet extends Ordered>(self: OrderedStream<Packet>, sequenceNumber: number): boolean =>
  isFarBehind(self, sequenceNumber) || CounterWindow.isNew(self.seen, extend(self, sequenceNumber))

/**
 * Whether a packet behind an intended hole begins the stream anew, which was left so long ago that its numbers have wrapped: they
 * seem to be old ones, and its timestamp is not. It may be taken in.
 */
export const returns = <Packet extends Ordered>(
  self: OrderedStream<Packet>,
  { descriptor, sequenceNumber, timestamp }: Pick<Packet, "descriptor" | "sequenceNumber" | "timestamp">
): boolean =>
  HopFrame.startsKeyFrame(descriptor) &&
  self.seen.highest >= 0 &&
  extend(self, sequenceNumber) <= self.seen.highest &&
  SequenceNumber.timestampDistance(self.newestTimestamp, timestamp) > 0

/**
 * Takes in a packet that is new, once it has proved authentic; with the hole before it, if that is intended. False: it is far
 * from all others, and alone.
 */
export const handlePacket = <Packet extends Ordered>(
  self: OrderedStream<Packet>,
  packet: Packet,
  hole?: IntendedHole
): boolean => {
  const { descriptor, sequenceNumber, timestamp } = packet
  if (hole !== undefined && returns(self, packet)) restart(self)
  if (isFarBehind(self, sequenceNumber) && !startsAnew(self, sequenceNumber)) return false
  // A key frame needs nothing of what was before it.
  if (hole !== undefined) self.holes.set(sequenceNumber, HopFrame.startsKeyFrame(descriptor) ? always : hole)
  const isFirst = self.seen.highest < 0
  if (isFirst || SequenceNumber.timestampDistance(self.newestTimestamp, timestamp) > 0) self.newestTimestamp = timestamp
  self.strayNext = -1
  if (self.keyFrames !== undefined) {
    if (HopFrame.startsKeyFrame(descriptor)) {
      // One that was given up long ago and is sent again helps nobody.
      if (isAhead(self, sequenceNumber)) KeyFrameRequest.handleKeyFrame(self.keyFrames)
    }
    // A video stream that was under way before: its first packet needs what came before it.
    else if (self.seen.highest < 0) KeyFrameRequest.handleRequest(self.keyFrames)
  }
  CounterWindow.remember(self.seen, extend(self, sequenceNumber))
  JitterBuffer.handlePacket(self.jitter, packet)
  self.packetsLate += self.jitter.packetsLate
  self.jitter.packetsLate = 0
  return true
}

/** Appends the packets whose turn it is. */
export const poll = <Packet extends Ordered>(self: OrderedStream<Packet>, nowMs: number, out: Array<Packet>): void => {
  if (self.jitter.lowest === Infinity) return
  const first = out.length
  const { holes, jitter } = self
  const { isFirstKnown } = self.options
  const followsIntended = ({ sequenceNumber }: Packet) => holes.get(sequenceNumber)?.() === true
  const begins = ({ descriptor }: Packet) =>
    isFirstKnown === true && jitter.next < 0 && HopFrame.startsKeyFrame(descriptor)
  const needsNothing = (packet: Packet) => followsIntended(packet) || begins(packet)
  JitterBuffer.poll(jitter, nowMs, out, holes.size > 0 || jitter.next < 0 ? needsNothing : undefined)
  for (let i = first; i < out.length; i++) {
    const packet = out[i]!
    const last = self.lastSequenceNumber
    self.lastSequenceNumber = packet.sequenceNumber
    const isIntended = holes.size > 0 && followsIntended(packet)
    holes.delete(packet.sequenceNumber)
    packet.missedBefore =
      last < 0 || isIntended ? 0 : Math.max(0, SequenceNumber.distance(last, packet.sequenceNumber) - 1)
    if (packet.missedBefore === 0) continue
    self.packetsMissed += packet.missedBefore
    // The decoder cannot go on: what is missing will not come any more.
    if (!HopFrame.startsKeyFrame(packet.descriptor)) requestKeyFrame(self)
  }
}

/** When a gap will be given up. Milliseconds; Infinity when nothing waits. */
export const nextDeadlineMs = <Packet extends Ordered>({ jitter }: OrderedStream<Packet>): number =>
  JitterBuffer.nextDeadlineMs(jitter)

/** When a packet is to be played, as far as it is known now. Milliseconds. */
export const playoutMs = <Packet extends Ordered>({ jitter }: OrderedStream<Packet>, packet: Packet): number =>
  JitterBuffer.playoutMs(jitter, packet)

/** How long after the fastest possible arrival packets are played now. Milliseconds; `undefined` before the first. */
export const delayMs = <Packet extends Ordered>({ jitter }: OrderedStream<Packet>): number | undefined =>
  jitter.newest < 0 ? undefined : PlayoutDelay.delayMs(jitter.playout)

/** The decoder needs a key frame. */
export const requestKeyFrame = ({ keyFrames }: { readonly keyFrames: KeyFrameRequest.KeyFrameRequest | undefined }) => {
  if (keyFrames !== undefined) KeyFrameRequest.handleRequest(keyFrames)
}

/** Of the packets that have left. */
const isAhead = <Packet extends Ordered>({ lastSequenceNumber: last }: OrderedStream<Packet>, sequenceNumber: number) =>
  last < 0 || SequenceNumber.distance(last, sequenceNumber) > 0

const extend = <Packet extends Ordered>({ seen }: OrderedStream<Packet>, sequenceNumber: number): number =>
  seen.highest < 0
    ? firstLap + sequenceNumber
    : seen.highest + SequenceNumber.distance(seen.highest & SequenceNumber.mask, sequenceNumber)

const isFarBehind = <Packet extends Ordered>(self: OrderedStream<Packet>, sequenceNumber: number): boolean =>
  self.seen.highest - extend(self, sequenceNumber) >= CounterWindow.windowPackets + misorderMax

/** Two strays in a row, and the sender has started anew. */
const startsAnew = <Packet extends Ordered>(self: OrderedStream<Packet>, sequenceNumber: number): boolean => {
  const isSecond = sequenceNumber === self.strayNext
  self.strayNext = SequenceNumber.next(sequenceNumber)
  if (isSecond) restart(self)
  return isSecond
}

const restart = <Packet extends Ordered>(self: OrderedStream<Packet>): void => {
  self.jitter = JitterBuffer.make(self.options)
  self.seen = CounterWindow.make()
  self.holes.clear()
  self.lastSequenceNumber = -1
}

const always: IntendedHole = () => true
