import * as LayerRates from "../call/LayerRates.ts"
import * as BandwidthEstimator from "../media/bandwidth/BandwidthEstimator.ts"
import type { Leg } from "../media/Leg.ts"
import * as RateNotice from "../media/RateNotice.ts"
import * as ReceiverRates from "../media/ReceiverRates.ts"
import * as Feedback from "../protocol/Feedback.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import type { VideoAllocation } from "../protocol/VideoAttribute.ts"
import * as EncoderTarget from "./EncoderTarget.ts"
import type { LabNode } from "./LabNode.ts"
import * as LabStream from "./LabStream.ts"
import * as VideoSource from "./VideoSource.ts"

/**
 * A camera with an encoder for each simulcast layer, as a client's application has it: of each layer it sends what its relay
 * has told, as far as its path carries it, the lowest first. All layers show the same moments. Changed in place.
 */
export interface SimulcastCamera {
  readonly layers: ReadonlyArray<Layer>
  /** Of the newest allocation. */
  version: number
  readonly target: EncoderTarget.EncoderTarget
  /** What is said of the path to the relay. */
  readonly uplink: RateNotice.RateNotice
  /** By the relay, of any layer; and of those that were off, which have none to give. */
  keyFramesAsked: number
  keyFramesAskedOfOff: number
}

interface Layer {
  readonly stream: LabStream.LabStream
  readonly source: VideoSource.VideoSource
  /** With all headers; bits a second. Between these, or nothing. */
  readonly range: { readonly minBps: number; readonly maxBps: number }
  /** Infinity: nothing is said, 0: off. Bits a second. */
  toldBps: number
}

/** The lowest layer goes below its range rather than off, down to this. As client/streams/VideoRate. Bits a second. */
const lowestBpsMin = 30_000

export const make = (
  descriptions: readonly [StreamDescription, ...ReadonlyArray<StreamDescription>],
  seed: string,
  name: string
): SimulcastCamera => {
  const ranges = LayerRates.rangesOf(descriptions)
  return {
    layers: descriptions.map((description, layer) => ({
      stream: LabStream.make(description),
      source: VideoSource.make({ rateBps: 0 }, seed, `${name} layer ${layer}`),
      range: ranges[layer]!,
      toldBps: Infinity
    })),
    version: 0,
    target: EncoderTarget.make(),
    uplink: RateNotice.make(Feedback.uplinkSsrc),
    keyFramesAsked: 0,
    keyFramesAskedOfOff: 0
  }
}

export const nextAtMs = ({ layers }: SimulcastCamera): number => VideoSource.nextAtMs(layers[0]!.source)

/** What the relay says is to be sent; of streams that it does not name, anything. */
export const handleAllocation = (self: SimulcastCamera, { streams, version }: VideoAllocation): void => {
  if (version <= self.version) return
  self.version = version
  for (const layer of self.layers) {
    const { ssrc } = layer.stream.description
    layer.toldBps = streams.find((stream) => stream.ssrc === ssrc)?.rateBps ?? Infinity
  }
}

export const requestKeyFrame = (self: SimulcastCamera, ssrc: number): void => {
  const layer = self.layers.find(({ stream }) => stream.description.ssrc === ssrc)
  if (layer === undefined) return
  self.keyFramesAsked++
  if (layer.source.rateBps === 0) self.keyFramesAskedOfOff++
  VideoSource.requestKeyFrame(layer.source)
}

export const hasStream = ({ layers }: SimulcastCamera, ssrc: number): boolean =>
  layers.some(({ stream }) => stream.description.ssrc === ssrc)

/** Makes and sends the next frame of every layer that is on. `audioBps`: of the microphone, with all headers. */
export const sendFrame = (
  self: SimulcastCamera,
  node: LabNode,
  leg: Leg,
  audioBps: number,
  receiverRates: ReceiverRates.ReceiverRates,
  nowMs: number
): void => {
  follow(self, leg, audioBps, receiverRates, nowMs)
  for (const { source, stream } of self.layers) {
    if (source.rateBps === 0) {
      VideoSource.skip(source)
      continue
    }
    VideoSource.next(source)
    for (let packet = 0; packet < source.packets; packet++) {
      const draft = {
        type: HopFrame.FrameType.Video,
        timestamp: source.timestamp,
        marker: packet === source.packets - 1,
        descriptor: VideoSource.descriptorOf(source, packet),
        payloadBytes: VideoSource.payloadBytesOf(source, packet),
        firstByte: source.baseLayerIndex
      }
      LabStream.send(stream, node, leg.send, draft, nowMs)
    }
  }
}

/** Sets the rates of the layers for the next frame, and says what the path is believed to carry, as client/session/Timers. */
const follow = (
  { layers, target, uplink }: SimulcastCamera,
  { kind, send }: Leg,
  audioBps: number,
  receiverRates: ReceiverRates.ReceiverRates,
  nowMs: number
): void => {
  const { packetsResent, packetsSent, rate, repairsSent } = send
  EncoderTarget.handleFrame(target, packetsSent, packetsResent + repairsSent)
  const estimateBps = rate?.estimator.targetBps ?? kind.bandwidth.startBps
  const freeBps = estimateBps * (1 - EncoderTarget.resentShare(target)) - audioBps
  let leftBps = freeBps
  let usefulBps = 0
  for (const [index, layer] of layers.entries()) {
    const wishedBps = wishedBpsOf(layer, receiverRates, nowMs)
    const floorBps = index === 0 ? lowestBpsMin : layer.range.minBps
    const isOn = wishedBps > 0 && (index === 0 || leftBps >= floorBps)
    const wireBps = isOn ? Math.max(floorBps, Math.min(wishedBps, leftBps)) : 0
    turn(layer, wireBps)
    leftBps -= wireBps
    usefulBps += wishedBps
  }
  if (rate === undefined) return
  rate.estimator.wantsMore = freeBps <= usefulBps
  RateNotice.handleRate(uplink, BandwidthEstimator.capacityBps(rate.estimator), nowMs)
}

/** What it is told to be, or what its receivers can take, if that is less; within what the layer is for. */
const wishedBpsOf = (
  { range: { maxBps, minBps }, stream, toldBps }: Layer,
  receiverRates: ReceiverRates.ReceiverRates,
  nowMs: number
): number => {
  if (toldBps === 0) return 0
  const receiversBps = ReceiverRates.rateBps(receiverRates, stream.description.ssrc, nowMs)
  const usefulBps = Number.isNaN(receiversBps) ? toldBps : Math.min(toldBps, receiversBps)
  return Math.min(maxBps, Math.max(minBps, usefulBps))
}

/** A layer that comes on begins with a key frame. */
const turn = ({ source }: Layer, wireBps: number): void => {
  const wasOff = source.rateBps === 0
  source.rateBps = wireBps === 0 ? 0 : Math.max(1, EncoderTarget.videoBps(wireBps, source.framesPerSecond))
  if (wasOff && source.rateBps > 0) VideoSource.requestKeyFrame(source)
}
