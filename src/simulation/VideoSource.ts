import * as HopFrame from "../protocol/HopFrame.ts"
import * as Random from "./Random.ts"

/**
 * A camera and its encoder: frames at a steady pace, whose sizes follow a rate that may be set at any time, in two
 * temporal layers (L1T2), with key frames when they are asked for. What a key frame costs more is saved on the frames
 * behind it. All packets of a frame are there at once. Changed in place.
 */
export interface VideoSource {
  readonly sizes: Random.Random
  readonly framesPerSecond: number
  rateBps: number
  /** The next one's number. */
  frame: number
  /** Counts from the last key frame: even numbers are the base layer. */
  sinceKeyFrame: number
  wantsKeyFrame: boolean
  keyFrames: number
  /** Frames of the base layer so far, 8 bits: TL0PICIDX of RFC 7741, by which a receiver sees whether one is missing. */
  baseLayerIndex: number
  debtBytes: number
  /** Of the frame that `next` has made. */
  timestamp: number
  isKeyFrame: boolean
  frameBytes: number
  packets: number
}

/** A datagram of 1,200 bytes less hop header, RTP header and encryption, see client/streams/SendingStream. Bytes. */
export const payloadBytesMax = 1100
/** libwebrtc kLayerRateAllocation: the base layer's share of the rate, where there are two. */
const baseLayerShare = 0.6
/** Of the mean frame: what encoders for calls, which limit key frames, come to. */
const keyFrameShare = 5
/** Sizes differ by so much of themselves, evenly, both ways. */
const sizeNoise = 0.15
/** So much of a frame is saved while there is debt. */
const savingShare = 0.25
export const clockRate = 90_000

export const make = (
  options: { readonly rateBps: number; readonly framesPerSecond?: number },
  seed: string,
  name: string
): VideoSource => ({
  sizes: Random.make(seed, `${name} sizes`),
  framesPerSecond: options.framesPerSecond ?? 30,
  rateBps: options.rateBps,
  frame: 0,
  sinceKeyFrame: 0,
  wantsKeyFrame: true,
  keyFrames: 0,
  baseLayerIndex: 0,
  debtBytes: 0,
  timestamp: 0,
  isKeyFrame: false,
  frameBytes: 0,
  packets: 0
})

/** When the next frame is there. Milliseconds since the beginning. */
export const nextAtMs = ({ frame, framesPerSecond }: VideoSource): number => (frame * 1000) / framesPerSecond

export const requestKeyFrame = (self: VideoSource): void => {
  self.wantsKeyFrame = true
}

/** The camera is off: the next frame's time passes without it. */
export const skip = (self: VideoSource): void => {
  self.frame++
}

/** Makes the next frame. */
export const next = (self: VideoSource): void => {
  const meanBytes = self.rateBps / 8 / self.framesPerSecond
  self.isKeyFrame = self.wantsKeyFrame
  self.wantsKeyFrame = false
  self.sinceKeyFrame = self.isKeyFrame ? 0 : self.sinceKeyFrame + 1
  const layerShare = 2 * (isBaseLayer(self) ? baseLayerShare : 1 - baseLayerShare)
  if (isBaseLayer(self)) self.baseLayerIndex = (self.baseLayerIndex + 1) & 0xff
  const noise = 1 + sizeNoise * (2 * Random.uniform(self.sizes) - 1)
  let bytes = meanBytes * noise * (self.isKeyFrame ? keyFrameShare : layerShare)
  if (self.isKeyFrame) {
    self.keyFrames++
    self.debtBytes += bytes - meanBytes * layerShare
  } else {
    const saved = Math.min(self.debtBytes, bytes * savingShare)
    self.debtBytes -= saved
    bytes -= saved
  }
  self.frameBytes = Math.max(1, Math.floor(bytes))
  self.packets = Math.ceil(self.frameBytes / payloadBytesMax)
  self.timestamp = Math.floor((self.frame * clockRate) / self.framesPerSecond)
  self.frame++
}

const isBaseLayer = ({ sinceKeyFrame }: VideoSource): boolean => sinceKeyFrame % 2 === 0

/** Of a packet of the frame: it has been cut into parts as equal as can be. Bytes. */
export const payloadBytesOf = ({ frameBytes, packets }: VideoSource, packet: number): number =>
  Math.floor((frameBytes * (packet + 1)) / packets) - Math.floor((frameBytes * packet) / packets)

/** The first byte of RFC 9626 for a packet of the frame: S E I D B TID. */
export const descriptorOf = (self: VideoSource, packet: number): number => {
  const upperLayer = HopFrame.discardableFlag | dependsOnBaseFlag | 1
  return (
    (packet === 0 ? HopFrame.startOfFrameFlag : 0) |
    (packet === self.packets - 1 ? HopFrame.endOfFrameFlag : 0) |
    (self.isKeyFrame ? HopFrame.independentFlag : 0) |
    (isBaseLayer(self) ? 0 : upperLayer)
  )
}

/** RFC 9626 section 3.1, B: needs nothing but the base layer. */
const dependsOnBaseFlag = 0x08
