import * as Leg from "../media/Leg.ts"
import * as OrderedStream from "../media/OrderedStream.ts"
import type { Bounds } from "../media/PlayoutDelay.ts"
import * as ReceiverRates from "../media/ReceiverRates.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as AudioSource from "./AudioSource.ts"
import * as EventHeap from "./EventHeap.ts"
import * as EncoderTarget from "./EncoderTarget.ts"
import * as LayeredPicture from "./LayeredPicture.ts"
import * as LabInbound from "./LabInbound.ts"
import * as LabNode from "./LabNode.ts"
import * as LabPath from "./LabPath.ts"
import * as LabStream from "./LabStream.ts"
import * as Random from "./Random.ts"
import * as ReceivedStream from "./ReceivedStream.ts"
import * as RepairRecorder from "./RepairRecorder.ts"
import * as SimulcastCamera from "./SimulcastCamera.ts"
import * as VideoSource from "./VideoSource.ts"

/**
 * A device with a microphone and a camera: the real media/Leg on its hop, driven as client/session drives it, sources in
 * front of it and meters behind. Owned by one simulation.
 */
export interface LabDevice {
  readonly node: LabNode.LabNode
  readonly leg: Leg.Leg
  readonly sending: ReadonlyArray<LabStream.LabStream>
  readonly audio: AudioSource.AudioSource
  readonly video: VideoSource.VideoSource
  /** `undefined`: its video has no layers. */
  readonly camera: SimulcastCamera.SimulcastCamera | undefined
  readonly presence: Presence
  /** Highest rate of a camera that follows the leg's estimate; 0: it does not. Bits a second. */
  readonly videoMaxBps: number
  readonly target: EncoderTarget.EncoderTarget
  /** Of its video, as its relay tells it. */
  readonly receiverRates: ReceiverRates.ReceiverRates
  /** Of the others. */
  readonly receiving: Array<ReceivedStream.ReceivedStream>
  /** Of the others: those with layers, in the order in which they were named. */
  readonly pictures: Array<LayeredPicture.LayeredPicture>
  readonly layersBySsrc: Map<number, { readonly picture: LayeredPicture.LayeredPicture; readonly layer: number }>
  /** Fixed, or the bounds of one that adapts. */
  readonly playoutDelayMs: number | Bounds
  /** When its microphone and its camera begin: in step with nobody's. Milliseconds. */
  readonly startMs: number
  readonly repairs: RepairRecorder.RepairRecorder
}

export interface Options {
  readonly name: string
  readonly seed: string
  readonly number: number
  /** The node at the other end of its hop. */
  readonly peer: number
  readonly receiveTag: number
  readonly sendTag: number
  readonly streams: { readonly audio: StreamDescription; readonly video: StreamDescription }
  /** Of a camera that sends layers, which has no other video. */
  readonly layers?: ReadonlyArray<StreamDescription>
  readonly audio: AudioSource.Options
  /** What the camera sends, or, if it follows, begins with. */
  readonly videoBps: number
  /** The camera follows the estimate of its leg, up to this. Bits a second. */
  readonly videoMaxBps?: number | undefined
  readonly presence?: Presence | undefined
  /** Fixed, or the bounds of one that adapts. */
  readonly playoutDelayMs: number | Bounds
  /** See Leg. */
  readonly protects?: boolean | undefined
}

/** When a device sends: nothing before and after, and meanwhile no video in a pause. Milliseconds. */
export interface Presence {
  readonly fromMs: number
  readonly untilMs: number
  readonly pause?: { readonly fromMs: number; readonly untilMs: number }
}

const always: Presence = { fromMs: 0, untilMs: Infinity }

/** As client/session/Timers has them: bounds of its sleep. Milliseconds. */
const tickMsMin = 5
const tickMsMax = 50
/** One frame of video. Milliseconds. */
const startMsMax = 33

export const make = (heap: EventHeap.EventHeap, options: Options): LabDevice => {
  const { name, number, peer, protects, receiveTag, seed, sendTag, streams } = options
  const node = LabNode.make(heap, number)
  const phases = Random.make(seed, `${name} phases`)
  const [lowest, ...higher] = options.layers ?? []
  const self: LabDevice = {
    node,
    leg: Leg.make({ receiveTag, sendTag, epoch: 1, address: LabNode.addressOf(peer), repair: true, protects }),
    sending: [LabStream.make(streams.audio), LabStream.make(streams.video)],
    audio: AudioSource.make(options.audio, seed, `${name} audio`),
    video: VideoSource.make({ rateBps: options.videoBps }, seed, `${name} video`),
    camera: lowest && SimulcastCamera.make([lowest, ...higher], seed, `${name} camera`),
    presence: options.presence ?? always,
    videoMaxBps: options.videoMaxBps ?? 0,
    target: EncoderTarget.make(),
    receiverRates: ReceiverRates.make(),
    receiving: [],
    pictures: [],
    layersBySsrc: new Map(),
    playoutDelayMs: options.playoutDelayMs,
    startMs: startMsMax * Random.uniform(phases),
    repairs: RepairRecorder.make()
  }
  if (self.camera !== undefined) self.leg.rateNotices = [self.camera.uplink]
  node.handleBatch = (nowMs) => handleBatch(self, nowMs)
  start(self, heap, phases)
  return self
}

/** Another participant has a stream, which has begun at `startMs`. */
export const receive = (self: LabDevice, description: StreamDescription, startMs: number): void => {
  const stream = ReceivedStream.make(description, startMs, self.playoutDelayMs)
  self.receiving.push(stream)
  const { keyFrames } = stream.ordered
  if (keyFrames !== undefined) self.leg.keyFrames.push(keyFrames)
}

/** Another participant has a source with these layers. */
export const watch = (self: LabDevice, descriptions: ReadonlyArray<StreamDescription>): void => {
  const [lowest, ...higher] = descriptions
  if (lowest === undefined) return
  const picture = LayeredPicture.make([lowest, ...higher])
  self.pictures.push(picture)
  for (const [layer, { keyFrames }] of picture.layers.entries()) {
    self.layersBySsrc.set(descriptions[layer]!.ssrc, { picture, layer })
    if (keyFrames !== undefined) self.leg.keyFrames.push(keyFrames)
  }
}

/** Its timers, which are in step with nobody's, and its sources. */
const start = (self: LabDevice, heap: EventHeap.EventHeap, phases: Random.Random): void => {
  const { startMs } = self
  const timers = EventHeap.register(heap, (_, nowMs) => {
    poll(self, nowMs)
    EventHeap.schedule(heap, nowMs + sleepMs(self, nowMs), timers, 0)
  })
  EventHeap.schedule(heap, tickMsMin * Random.uniform(phases), timers, 0)
  const audio = EventHeap.register(heap, (_, nowMs) => {
    sendAudio(self, nowMs)
    EventHeap.schedule(heap, startMs + AudioSource.nextAtMs(self.audio), audio, 0)
  })
  EventHeap.schedule(heap, startMs, audio, 0)
  const video = EventHeap.register(heap, (_, nowMs) => {
    sendVideo(self, nowMs)
    EventHeap.schedule(heap, startMs + VideoSource.nextAtMs(self.video), video, 0)
  })
  // A rate of 0 is a camera that is off.
  if (self.video.rateBps > 0) EventHeap.schedule(heap, startMs, video, 0)
  const { camera } = self
  if (camera === undefined) return
  const layers = EventHeap.register(heap, (_, nowMs) => {
    const { audio, leg, node, receiverRates } = self
    const audioBps = EncoderTarget.audioBps(audio.options.talkBytes)
    SimulcastCamera.sendFrame(camera, node, leg, audioBps, receiverRates, nowMs)
    LabPath.flush(node, nowMs)
    EventHeap.schedule(heap, startMs + SimulcastCamera.nextAtMs(camera), layers, 0)
  })
  EventHeap.schedule(heap, startMs, layers, 0)
}

/** Does what is due, and plays what has its turn. */
const poll = (self: LabDevice, nowMs: number): void => {
  const { leg, node, pictures, receiving } = self
  Leg.poll(leg, node.resources, nowMs, node.out)
  for (const stream of receiving) ReceivedStream.poll(stream, nowMs)
  for (const picture of pictures) LayeredPicture.poll(picture, nowMs)
  LabPath.flush(node, nowMs)
}

const sleepMs = (self: LabDevice, nowMs: number): number => {
  let deadlineMs = Leg.nextDeadlineMs(self.leg)
  for (const { ordered } of self.receiving) deadlineMs = Math.min(deadlineMs, OrderedStream.nextDeadlineMs(ordered))
  for (const picture of self.pictures) deadlineMs = Math.min(deadlineMs, LayeredPicture.nextDeadlineMs(picture))
  return Math.min(tickMsMax, Math.max(tickMsMin, deadlineMs - nowMs))
}

const sendAudio = (self: LabDevice, nowMs: number): void => {
  const { audio } = self
  if (!AudioSource.next(audio) || !isPresent(self, nowMs)) return
  const { descriptor, isOnset, payloadBytes, timestamp } = audio
  const type = isOnset ? HopFrame.FrameType.AudioOnset : HopFrame.FrameType.Audio
  const draft = { type, timestamp, marker: isOnset, descriptor, payloadBytes, firstByte: 0 }
  LabStream.send(self.sending[0]!, self.node, self.leg.send, draft, nowMs)
  LabPath.flush(self.node, nowMs)
}

const sendVideo = (self: LabDevice, nowMs: number): void => {
  const { leg, video, videoMaxBps } = self
  if (!isFilming(self, nowMs)) {
    VideoSource.skip(video)
    // Who looks at it again needs a picture to begin with; and nothing is to be found out for a camera that is off.
    VideoSource.requestKeyFrame(video)
    if (leg.send.rate !== undefined) leg.send.rate.estimator.wantsMore = false
    return
  }
  if (videoMaxBps > 0) follow(self, videoMaxBps, nowMs)
  VideoSource.next(video)
  for (let packet = 0; packet < video.packets; packet++) {
    const draft = {
      type: HopFrame.FrameType.Video,
      timestamp: video.timestamp,
      marker: packet === video.packets - 1,
      descriptor: VideoSource.descriptorOf(video, packet),
      payloadBytes: VideoSource.payloadBytesOf(video, packet),
      firstByte: video.baseLayerIndex
    }
    LabStream.send(self.sending[1]!, self.node, self.leg.send, draft, nowMs)
  }
  LabPath.flush(self.node, nowMs)
}

const isPresent = ({ presence }: LabDevice, nowMs: number): boolean =>
  nowMs >= presence.fromMs && nowMs < presence.untilMs

const isFilming = (self: LabDevice, nowMs: number): boolean => {
  const { pause } = self.presence
  return isPresent(self, nowMs) && !(pause !== undefined && nowMs >= pause.fromMs && nowMs < pause.untilMs)
}

/** The encoder gets what the estimate leaves it, and what its receiver can take, from this frame on. */
const follow = ({ audio, leg, receiverRates, target, video }: LabDevice, videoMaxBps: number, nowMs: number): void => {
  const { packetsResent, packetsSent, rate, repairsSent } = leg.send
  EncoderTarget.handleFrame(target, packetsSent, packetsResent + repairsSent)
  const estimateBps = rate?.estimator.targetBps ?? leg.kind.bandwidth.startBps
  const firstBps = estimateBps * (1 - EncoderTarget.resentShare(target))
  const freeBps = firstBps - EncoderTarget.audioBps(audio.options.talkBytes)
  const receiversBps = ReceiverRates.totalBps(receiverRates, nowMs)
  const roomBps = EncoderTarget.videoBps(Math.min(freeBps, receiversBps), video.framesPerSecond)
  video.rateBps = Math.min(videoMaxBps, Math.max(EncoderTarget.videoBpsMin, roomBps))
  if (rate !== undefined) rate.estimator.wantsMore = roomBps < videoMaxBps && freeBps <= receiversBps
}

/** As client/session/PortReader: what has come, then what that makes due. */
const handleBatch = (self: LabDevice, nowMs: number): void => {
  const { lengths, offsets } = self.node.received
  LabInbound.handleFrame(self, offsets[0]!, lengths[0]!, nowMs)
  poll(self, nowMs)
}
