import * as FairShare from "../media/FairShare.ts"
import * as LayerSelection from "../media/LayerSelection.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import type { RelayLeg } from "./RelayLeg.ts"
import type { RelayStream } from "./RelayStream.ts"
import * as StreamRate from "./StreamRate.ts"

/**
 * One source of video as one device gets it: which of its layers the leg is among the targets of. What is decided in between
 * takes effect when a frame starts, so that no frame goes out by halves. Owned by the receiver's leg and changed in place.
 */
export interface LayerForwarding {
  readonly receiver: RelayLeg
  /** The leg that the source comes in on. Replaced, with its streams, when the sender comes by another. */
  from: RelayLeg
  /** The lowest first. */
  layers: ReadonlyArray<RelayStream>
  readonly selection: LayerSelection.LayerSelection
  /** The layer that has the leg among its targets; -1: none. */
  flowing: number
  /** The leg is sent no discardable frames of it. */
  isSparing: boolean
  /** The layer whose next packet on the leg follows a hole; -1: none. */
  holeIn: number
}

/** A stream without layers flows at once, whoever gets it asks for a key frame; a layer waits for its first. */
export const make = (receiver: RelayLeg, from: RelayLeg, layers: ReadonlyArray<RelayStream>): LayerForwarding => {
  const flowing = layers[0]?.description.simulcast === undefined ? 0 : -1
  const selection = LayerSelection.make(layers.length, flowing)
  // Which of them the leg may have is said by the plan that this is made for.
  for (const layer of selection.layers) layer.plannedSinceMs = Infinity
  return {
    receiver,
    from,
    layers,
    selection,
    flowing,
    isSparing: false,
    holeIn: -1
  }
}

/** Brings what the selection knows of the layers up to date. */
export const measure = ({ layers, selection }: LayerForwarding, nowMs: number): void => {
  for (let i = 0; i < layers.length; i++) {
    const stream = layers[i]!
    const layer = selection.layers[i]!
    const rate = (stream.rate ??= StreamRate.make())
    StreamRate.update(rate, stream, nowMs)
    // Until it has been measured, what its sender has said.
    const isKnown = !Number.isNaN(rate.rateBps)
    const saidBps = (stream.description.simulcast?.maxKbps ?? 0) * 1000
    layer.rateBps = isKnown ? rate.rateBps : saidBps > 0 ? saidBps : NaN
    layer.firmBps = isKnown ? rate.firmBps : layer.rateBps
    layer.lastPacketAtMs = stream.clock.newestAtMs < 0 ? -Infinity : stream.clock.newestAtMs
    if (stream.keyFrames?.marksKeyFrames === true) selection.marksKeyFrames = true
  }
}

/** What it would use of the leg, if nobody else were there. Infinity: that is not known. Bits a second. */
export const demandBps = ({ layers, selection }: LayerForwarding, nowMs: number): number => {
  let best = Math.min(selection.allowed, layers.length - 1)
  while (best > 0 && nowMs - selection.layers[best]!.lastPacketAtMs >= LayerSelection.stoppedAfterMs) best--
  const stream = layers[best]
  if (stream === undefined || stream.packets === 0) return 0
  const { rateBps } = selection.layers[best]!
  return Number.isNaN(rateBps) ? Infinity : FairShare.growthFactor * rateBps
}

/** What it takes of the leg, or is about to. Bits a second; what is not known counts as nothing. */
export const takenBps = ({ selection: { current, layers, target } }: LayerForwarding): number => {
  const { firmBps = NaN } = layers[Math.max(current, target)] ?? {}
  return Number.isNaN(firmBps) ? 0 : firmBps
}

/** Nothing flows, and this is the layer that will be the first. */
export const isWaitingFor = (self: LayerForwarding, stream: RelayStream): boolean =>
  self.flowing < 0 && self.layers[Math.max(0, self.selection.target)] === stream

/** A frame of the stream starts: what has been decided takes effect. */
export const handleFrameStart = (
  self: LayerForwarding,
  stream: RelayStream,
  startsKeyFrame: boolean,
  nowMs: number
): void => {
  const { selection } = self
  const layer = self.layers.indexOf(stream)
  if (layer < 0) return
  if (startsKeyFrame && LayerSelection.handleKeyFrame(selection, layer, nowMs)) flow(self, layer)
  else if (layer === self.flowing && selection.current !== layer) flow(self, -1)
  if (layer === self.flowing) self.isSparing = selection.dropsDiscardable
  link(self)
}

const flow = (self: LayerForwarding, layer: number): void => {
  const { flowing, layers, receiver } = self
  self.flowing = layer
  self.isSparing = false
  if (layer === flowing) return
  const before = layers[flowing]
  const next = layers[layer]
  if (before !== undefined) before.targets = before.targets.filter((target) => target !== receiver)
  if (next === undefined) return
  next.targets = [...next.targets, receiver]
  noteHole(self, layer)
}

/** Packets of the layer that flows may not have come here, though nothing was lost: it begins anew with a key frame. */
export const interrupt = (self: LayerForwarding): void => {
  LayerSelection.interrupt(self.selection)
  self.flowing = -1
  self.isSparing = false
}

const noteHole = (self: LayerForwarding, layer: number): void => {
  if (self.holeIn < 0) self.receiver.holes++
  self.holeIn = layer
}

/** Brings the streams' lists up to date with what has been decided. */
export const link = (self: LayerForwarding): void => {
  const { flowing, isSparing, layers, selection } = self
  for (let i = 0; i < layers.length; i++) {
    const stream = layers[i]!
    const changes =
      i === flowing
        ? selection.current !== i || selection.dropsDiscardable !== isSparing
        : selection.target === i || LayerSelection.isExpected(selection.layers[i]!)
    stream.pending = listed(stream.pending, self, flowing < 0 || changes)
    stream.sparing = listed(stream.sparing, self, i === flowing && isSparing)
  }
}

const listed = (list: ReadonlyArray<LayerForwarding>, one: LayerForwarding, isIn: boolean) => {
  if (list.includes(one) === isIn) return list
  return isIn ? [...list, one] : list.filter((other) => other !== one)
}

/** Whether the leg is sent nothing of this discardable frame. Its next packet follows a hole. */
export const spares = (stream: RelayStream, target: RelayLeg): boolean => {
  const { sparing } = stream
  for (let i = 0; i < sparing.length; i++) {
    const one = sparing[i]!
    if (one.receiver !== target) continue
    noteHole(one, one.flowing)
    return true
  }
  return false
}

/**
 * The first byte of the stream's next packet on a leg that has holes. They are told of by the one that starts a frame: others of
 * it that have overtaken it wait for it.
 */
export const takeHole = (target: RelayLeg, stream: RelayStream, typeByte: number, descriptor: number): number => {
  if (HopFrame.typeOf(typeByte) !== HopFrame.FrameType.Video || !HopFrame.startsFrame(descriptor)) return typeByte
  const { layers } = target
  for (let i = 0; i < layers.length; i++) {
    const one = layers[i]!
    if (one.holeIn < 0 || one.layers[one.holeIn] !== stream) continue
    one.holeIn = -1
    target.holes--
    return typeByte | HopFrame.gapFlag
  }
  return typeByte
}
