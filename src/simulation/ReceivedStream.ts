import * as JitterBuffer from "../media/JitterBuffer.ts"
import * as KeyFrameRequest from "../media/KeyFrameRequest.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as RtpHeader from "../protocol/RtpHeader.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as FreezeMeter from "./FreezeMeter.ts"
import * as Samples from "./Samples.ts"
import * as StallMeter from "./StallMeter.ts"

/**
 * A stream as the other device hears or sees it: the real JitterBuffer and KeyFrameRequest, driven as
 * client/streams/ReceivingStream drives them (which is not used itself: it brings encryption), then a player that only
 * measures. Owned by one device, changed in place.
 */
export interface ReceivedStream {
  readonly description: StreamDescription
  /** When its sender's timestamps were 0. Milliseconds. */
  readonly startMs: number
  readonly jitter: JitterBuffer.JitterBuffer<LabPacket>
  /** Video only. */
  readonly keyFrames: KeyFrameRequest.KeyFrameRequest | undefined
  readonly freezes: FreezeMeter.FreezeMeter
  readonly stalls: StallMeter.StallMeter
  /** From the making of a packet or frame to its playout. Milliseconds. */
  readonly delaysMs: Samples.Samples
  lastSequenceNumber: number
  /** A frame has begun and nothing of it is missing. */
  isFrameWhole: boolean
  /** Of the last frame of the base layer that could be decoded, see VideoSource; -1: none that matters any more. */
  baseLayerIndex: number
  packets: number
  packetsMissed: number
  readonly ready: Array<LabPacket>
}

interface LabPacket extends JitterBuffer.Buffered {
  readonly descriptor: number
  readonly baseLayerIndex: number
}

/** The device's timers are no finer: what comes so much after its time is in time. Milliseconds. */
const timerMs = 5

export const make = (description: StreamDescription, startMs: number, playoutDelayMs: number): ReceivedStream => ({
  description,
  startMs,
  jitter: JitterBuffer.make({ clockRate: description.clockRate, playoutDelayMs }),
  keyFrames: description.kind === "video" ? KeyFrameRequest.make(description.ssrc) : undefined,
  freezes: FreezeMeter.make(),
  stalls: StallMeter.make(),
  delaysMs: Samples.make(),
  lastSequenceNumber: -1,
  isFrameWhole: false,
  baseLayerIndex: -1,
  packets: 0,
  packetsMissed: 0,
  ready: []
})

/** Takes in the RTP packet at `offset`. */
export const handlePacket = (
  self: ReceivedStream,
  view: DataView,
  offset: number,
  descriptor: number,
  nowMs: number
): void => {
  if (self.keyFrames !== undefined) {
    if (HopFrame.startsKeyFrame(descriptor)) KeyFrameRequest.handleKeyFrame(self.keyFrames)
    else if (self.packets === 0) KeyFrameRequest.handleRequest(self.keyFrames)
  }
  self.packets++
  JitterBuffer.handlePacket(self.jitter, {
    sequenceNumber: RtpHeader.sequenceNumberAt(view, offset),
    timestamp: RtpHeader.timestampAt(view, offset),
    arrivedAtMs: nowMs,
    descriptor,
    baseLayerIndex: view.getUint8(offset + RtpHeader.fixedHeaderBytes)
  })
}

/** When a gap will be given up. Milliseconds; Infinity when nothing waits. */
export const nextDeadlineMs = ({ jitter }: ReceivedStream): number => JitterBuffer.nextDeadlineMs(jitter)

/** After a hole too large to repair. */
export const requestKeyFrame = ({ keyFrames }: ReceivedStream): void => {
  if (keyFrames !== undefined) KeyFrameRequest.handleRequest(keyFrames)
}

/** Plays what has its turn. */
export const poll = (self: ReceivedStream, nowMs: number): void => {
  const { jitter, ready } = self
  if (jitter.waiting.size === 0) return
  JitterBuffer.poll(jitter, nowMs, ready)
  for (const packet of ready) {
    const last = self.lastSequenceNumber
    const missed = last < 0 ? 0 : SequenceNumber.distance(last, packet.sequenceNumber) - 1
    self.lastSequenceNumber = packet.sequenceNumber
    self.packetsMissed += missed
    if (self.keyFrames === undefined) playAudio(self, packet, missed, nowMs)
    else playVideo(self, self.keyFrames, packet, missed, nowMs)
  }
  ready.length = 0
}

const playAudio = (self: ReceivedStream, packet: LabPacket, missed: number, nowMs: number): void => {
  const playoutMs = JitterBuffer.playoutMs(self.jitter, packet)
  const isLate = nowMs > playoutMs + timerMs
  StallMeter.handlePacket(self.stalls, missed, isLate)
  if (!isLate) Samples.add(self.delaysMs, playoutMs - madeAtMs(self, packet))
}

/** As the real client, it asks for a key frame whenever anything was missed; it shows whatever can be decoded. */
const playVideo = (
  self: ReceivedStream,
  keyFrames: KeyFrameRequest.KeyFrameRequest,
  packet: LabPacket,
  missed: number,
  nowMs: number
): void => {
  const { descriptor } = packet
  if (missed > 0 && !HopFrame.startsKeyFrame(descriptor)) KeyFrameRequest.handleRequest(keyFrames)
  if ((descriptor & HopFrame.startOfFrameFlag) !== 0) self.isFrameWhole = true
  else if (missed > 0) self.isFrameWhole = false
  if ((descriptor & HopFrame.endOfFrameFlag) === 0 || !self.isFrameWhole) return
  self.isFrameWhole = false
  if (!decode(self, packet)) return
  const renderedAtMs = Math.max(nowMs, JitterBuffer.playoutMs(self.jitter, packet), self.freezes.lastAtMs)
  FreezeMeter.handleFrame(self.freezes, renderedAtMs)
  Samples.add(self.delaysMs, renderedAtMs - madeAtMs(self, packet))
}

/** Whether all is there that the frame needs: a frame of the base layer the one before, of the upper one its own. */
const decode = (self: ReceivedStream, { baseLayerIndex, descriptor }: LabPacket): boolean => {
  if ((descriptor & HopFrame.independentFlag) === 0) {
    if (self.baseLayerIndex < 0) return false
    const isUpper = (descriptor & HopFrame.discardableFlag) !== 0
    if (baseLayerIndex !== ((self.baseLayerIndex + (isUpper ? 0 : 1)) & 0xff)) return false
  }
  self.baseLayerIndex = baseLayerIndex
  return true
}

const madeAtMs = ({ description, startMs }: ReceivedStream, { timestamp }: LabPacket): number =>
  startMs + (timestamp * 1000) / description.clockRate

/** The call has ended. */
export const finish = (self: ReceivedStream, endMs: number): void => {
  FreezeMeter.finish(self.freezes, endMs)
  StallMeter.finish(self.stalls)
}
