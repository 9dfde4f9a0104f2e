import * as OrderedStream from "../media/OrderedStream.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as RtpHeader from "../protocol/RtpHeader.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as AudioSource from "./AudioSource.ts"
import * as FreezeMeter from "./FreezeMeter.ts"
import * as Samples from "./Samples.ts"
import * as StallMeter from "./StallMeter.ts"

/**
 * A stream as the other device hears or sees it: the real OrderedStream, as client/streams/ReceivingStream has it behind
 * decryption, then a player that only measures. Owned by one device, changed in place.
 */
export interface ReceivedStream {
  readonly description: StreamDescription
  /** When its sender's timestamps were 0. Milliseconds. */
  readonly startMs: number
  readonly ordered: OrderedStream.OrderedStream<LabPacket>
  readonly freezes: FreezeMeter.FreezeMeter
  readonly stalls: StallMeter.StallMeter
  /** From the making of a packet or frame to its playout. Milliseconds. */
  readonly delaysMs: Samples.Samples
  /** Of the last packet of audio that was played: its timestamp, and when. Milliseconds; -1 before the first. */
  playedTimestamp: number
  playedAtMs: number
  /** A frame has begun and nothing of it is missing. */
  isFrameWhole: boolean
  /** Of the last frame of the base layer that could be decoded, see VideoSource; -1: none that matters any more. */
  baseLayerIndex: number
  packets: number
  /** Timestamps of the audio that was played, where somebody wants to know. */
  played: Array<number> | undefined
  readonly ready: Array<LabPacket>
}

interface LabPacket extends OrderedStream.Ordered {
  readonly baseLayerIndex: number
}

/** The device's timers are no finer: what comes so much after its time is in time. Milliseconds. */
const timerMs = 5

export const make = (
  description: StreamDescription,
  startMs: number,
  playoutDelayMs: OrderedStream.Options["playoutDelayMs"]
): ReceivedStream => ({
  description,
  startMs,
  ordered: OrderedStream.make(description, { playoutDelayMs, repair: true }),
  freezes: FreezeMeter.make(),
  stalls: StallMeter.make(),
  delaysMs: Samples.make(),
  playedTimestamp: 0,
  playedAtMs: -1,
  isFrameWhole: false,
  baseLayerIndex: -1,
  packets: 0,
  played: undefined,
  ready: []
})

/** Takes in the RTP packet at `offset`. `hole`: see OrderedStream. */
export const handlePacket = (
  self: ReceivedStream,
  view: DataView,
  offset: number,
  descriptor: number,
  hole: OrderedStream.IntendedHole | undefined,
  nowMs: number
): void => {
  const sequenceNumber = RtpHeader.sequenceNumberAt(view, offset)
  if (!OrderedStream.isNew(self.ordered, sequenceNumber)) return
  self.packets++
  const packet = {
    sequenceNumber,
    timestamp: RtpHeader.timestampAt(view, offset),
    arrivedAtMs: nowMs,
    descriptor,
    missedBefore: 0,
    baseLayerIndex: view.getUint8(offset + RtpHeader.fixedHeaderBytes)
  }
  OrderedStream.handlePacket(self.ordered, packet, hole)
}

/** Plays what has its turn. */
export const poll = (self: ReceivedStream, nowMs: number): void => {
  const { description, ordered, ready } = self
  OrderedStream.poll(ordered, nowMs, ready)
  if (ready.length === 0) return
  for (const packet of ready) {
    if (description.kind === "audio") playAudio(self, packet, nowMs)
    else playVideo(self, packet, nowMs)
  }
  ready.length = 0
}

/** What comes too late has been made up already; where the delay has grown, something is made up to fill the time. */
const playAudio = (self: ReceivedStream, packet: LabPacket, nowMs: number): void => {
  const { description, stalls } = self
  const playoutMs = OrderedStream.playoutMs(self.ordered, packet)
  const isLate = nowMs > playoutMs + timerMs
  const ticks = SequenceNumber.timestampDistance(self.playedTimestamp, packet.timestamp)
  const mediaMs = (ticks * 1000) / description.clockRate
  // Behind a silence the delay grows unheard.
  const isSilence = mediaMs > (packet.missedBefore + 1) * AudioSource.packetMs
  const grownMs = self.playedAtMs < 0 || isSilence ? 0 : Math.max(0, playoutMs - self.playedAtMs - mediaMs)
  StallMeter.handlePacket(stalls, packet.missedBefore * AudioSource.packetMs + grownMs, isLate)
  self.playedTimestamp = packet.timestamp
  self.playedAtMs = playoutMs
  if (!isLate) self.played?.push(packet.timestamp)
  if (!isLate) Samples.add(self.delaysMs, playoutMs - madeAtMs(self, packet))
}

/** Shows whatever can be decoded, and what comes late, late. */
const playVideo = (self: ReceivedStream, packet: LabPacket, nowMs: number): void => {
  const { descriptor, missedBefore } = packet
  if ((descriptor & HopFrame.startOfFrameFlag) !== 0) self.isFrameWhole = true
  else if (missedBefore > 0) self.isFrameWhole = false
  if ((descriptor & HopFrame.endOfFrameFlag) === 0 || !self.isFrameWhole) return
  self.isFrameWhole = false
  if (!decode(self, packet)) return
  const renderedAtMs = Math.max(nowMs, OrderedStream.playoutMs(self.ordered, packet), self.freezes.lastAtMs)
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
