import * as Forwarding from "../pipeline/Forwarding.ts"
import * as LegTable from "../pipeline/LegTable.ts"
import * as LegTimers from "../pipeline/LegTimers.ts"
import * as RelayLeg from "../pipeline/RelayLeg.ts"
import * as RelayStream from "../pipeline/RelayStream.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import { CallId, ParticipantId } from "../protocol/Ids.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import type { Leg } from "../media/Leg.ts"
import * as EventHeap from "./EventHeap.ts"
import * as LabNode from "./LabNode.ts"
import * as LabPath from "./LabPath.ts"
import * as Random from "./Random.ts"
import * as RepairRecorder from "./RepairRecorder.ts"

/**
 * A relay with one call: the real packet path, driven as pipeline/MediaPipeline drives it, with legs as
 * pipeline/SessionControl and pipeline/CallRoutes make them. Owned by one simulation.
 */
export interface LabRelay {
  readonly node: LabNode.LabNode
  readonly forwarding: Forwarding.Forwarding
  /** By the hop that repairs come on. */
  readonly repairs: Map<Leg, RepairRecorder.RepairRecorder>
  /** Nothing is due on any leg, as far as the timers know. */
  isAsleep: boolean
  readonly wake: number
}

export const call = CallId.make("call")
const epoch = 1

export interface Options {
  readonly number: number
  readonly seed: string
  readonly name: string
  /** Left out: enough for a few pictures. */
  readonly videoRingBytes?: number | undefined
}

export const make = (heap: EventHeap.EventHeap, options: Options): LabRelay => {
  const { name, number, seed, videoRingBytes } = options
  const node = LabNode.make(heap, number, undefined, videoRingBytes)
  const forwarding = Forwarding.make(node.resources, 1, 0)
  const wake = EventHeap.register(heap, (_, nowMs) => poll(self, nowMs))
  const self: LabRelay = { node, forwarding, repairs: new Map(), isAsleep: false, wake }
  node.handleBatch = (nowMs) => handleBatch(self, nowMs)
  // Its timers tick in step with nobody's.
  const phase = Random.uniform(Random.make(seed, `${name} timers`))
  EventHeap.schedule(heap, LegTimers.tickMs * phase, wake, 0)
  return self
}

/** As the packet fiber of pipeline/MediaPipeline. */
const handleBatch = (self: LabRelay, nowMs: number): void => {
  const { forwarding, node } = self
  const { bytes, view } = node.resources.rings.memory
  const offset = node.received.offsets[0]!
  const hop = LegTable.get(forwarding.legs, HopFrame.legTagAt(view, offset))?.hop
  const repairs = hop && self.repairs.get(hop)
  if (hop !== undefined && repairs !== undefined) RepairRecorder.beforeFrame(repairs, hop, bytes, view, offset)
  Forwarding.forwardBatch(forwarding, node.received, nowMs, node.out)
  if (hop !== undefined && repairs !== undefined) RepairRecorder.afterFrame(repairs, hop.receive, nowMs)
  if (LegTimers.isDue(forwarding.timers, nowMs)) Forwarding.pollLegs(forwarding, nowMs, node.out)
  if (self.isAsleep && forwarding.timers.size > 0) {
    self.isAsleep = false
    EventHeap.schedule(node.heap, nowMs, self.wake, 0)
  }
  LabPath.flush(node, nowMs)
}

/** As its timer fiber: sleeps between two looks, and longer when no leg has a deadline. */
const poll = (self: LabRelay, nowMs: number): void => {
  const { forwarding, node } = self
  Forwarding.pollLegs(forwarding, nowMs, node.out)
  LabPath.flush(node, nowMs)
  self.isAsleep = forwarding.timers.size === 0
  if (self.isAsleep) return
  const restMs = LegTimers.isDue(forwarding.timers, nowMs) ? 0 : LegTimers.tickMs
  EventHeap.schedule(node.heap, nowMs + restMs, self.wake, 0)
}

export interface DeviceOptions {
  readonly number: number
  readonly streams: ReadonlyArray<StreamDescription>
  readonly receiveTag: number
  readonly sendTag: number
  /** See Leg. */
  readonly protects?: boolean | undefined
}

/** A device of the call joins here. */
export const addDevice = (self: LabRelay, options: DeviceOptions): RelayLeg.DeviceLeg => {
  const { number, protects, receiveTag, sendTag, streams } = options
  const participant = ParticipantId.make(`device ${number}`)
  const address = LabNode.addressOf(number)
  const repair = true
  return add(self, RelayLeg.make({ call, participant, streams, receiveTag, sendTag, epoch, address, repair, protects }))
}

/** The call's leg on a new trunk to another relay; the streams are those that come from there. */
export const addTrunk = (
  self: LabRelay,
  options: DeviceOptions & { readonly callReceiveTag: number; readonly callSendTag: number }
): RelayLeg.RelayLeg => {
  const { callReceiveTag, callSendTag, number, protects, receiveTag, sendTag } = options
  const address = LabNode.addressOf(number)
  const carrier = add(self, RelayLeg.makeTrunk({ receiveTag, sendTag, epoch, address, repair: true, protects }))
  const leg = RelayLeg.makeOnTrunk(carrier, call, { receiveTag: callReceiveTag, sendTag: callSendTag })
  leg.streams = options.streams.map(RelayStream.make)
  return add(self, leg)
}

const add = <Leg extends RelayLeg.RelayLeg>(self: LabRelay, leg: Leg): Leg => {
  LegTable.add(self.forwarding.legs, leg)
  if (!self.repairs.has(leg.hop)) self.repairs.set(leg.hop, RepairRecorder.make())
  return leg
}

/** What comes in on each of these legs goes out on all others: a call without selections. */
export const connect = (legs: ReadonlyArray<RelayLeg.RelayLeg>): void => {
  for (const leg of legs) {
    leg.sources = legs.filter((other) => other !== leg)
    for (const stream of leg.streams) RelayStream.route(stream, leg.sources, true, 0)
  }
}
