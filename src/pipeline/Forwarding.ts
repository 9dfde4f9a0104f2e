import * as Leg from "../media/Leg.ts"
import * as ReceiveLeg from "../media/ReceiveLeg.ts"
import * as Feedback from "../protocol/Feedback.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as Stun from "../protocol/Stun.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import * as Handover from "./Handover.ts"
import * as KeyFrames from "./KeyFrames.ts"
import * as LayerChoice from "./LayerChoice.ts"
import * as LegTable from "./LegTable.ts"
import * as LegTimers from "./LegTimers.ts"
import * as PacketCounters from "./PacketCounters.ts"
import * as RelayLeg from "./RelayLeg.ts"
import type { RelayStream } from "./RelayStream.ts"
import * as StreamForwarding from "./StreamForwarding.ts"
import * as VideoRates from "./VideoRates.ts"

/** Everything the packet path reads and changes. Owned by one relay; all access is synchronous. */
export interface Forwarding {
  readonly legs: LegTable.LegTable
  readonly timers: LegTimers.LegTimers
  readonly resources: Leg.LegResources
  /** Scratch for reports of one call on a trunk: they are made while another report is read. */
  readonly callReport: Feedback.Feedback
  readonly counters: PacketCounters.PacketCounters
  /** Indexes of the control datagrams of the batch, for the caller to take out. */
  readonly control: Int32Array
  controlCount: number
  /** Indexes of the hop frames of the batch that are of no leg here: another relay's may be. */
  readonly strays: Int32Array
  strayCount: number
  /** By index: 1, another relay has handed the datagram over. */
  readonly handedOver: Uint8Array
  /** Legs that have noticed in this batch that something is missing: it is asked for at the end of the batch. */
  readonly due: Array<RelayLeg.RelayLeg>
}

export const make = (resources: Leg.LegResources, receiveSlots: number, nowMs: number): Forwarding => ({
  legs: LegTable.make(),
  timers: LegTimers.make(nowMs),
  resources,
  callReport: Feedback.make(),
  counters: PacketCounters.make(),
  control: new Int32Array(receiveSlots),
  controlCount: 0,
  strays: new Int32Array(receiveSlots),
  strayCount: 0,
  handedOver: new Uint8Array(receiveSlots),
  due: []
})

/**
 * Of the room for what arrives. Beyond, the relay is too slow for its load, and soon the system would drop whatever comes,
 * audio too. 0 to 1.
 */
const backlogMax = 0.5

/**
 * Stations 3 to 7 of a packet's path (docs/architecture.md), for a whole batch, as one plain function: hop frames become
 * frames on the legs that want them, feedback is answered, control datagrams and frames of unknown legs are set aside.
 * Reads no clock, allocates nothing per packet.
 */
export const forwardBatch = (
  self: Forwarding,
  batch: PacketBatch.PacketBatch,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { bytes } = self.resources.rings.memory
  const { counters } = self
  const { dropped } = counters
  const isOverloaded = batch.backlog > backlogMax
  self.controlCount = 0
  self.strayCount = 0
  self.handedOver.fill(0)
  for (let i = 0; i < batch.count; i++) {
    const offset = batch.offsets[i]!
    const length = batch.lengths[i]!
    const first = length === 0 ? HopFrame.firstByteMin - 1 : bytes[offset]!
    if (first < HopFrame.firstByteMin) {
      if (Stun.isControl(first)) self.control[self.controlCount++] = i
      else dropped.notOurs++
      continue
    }
    if (length < HopFrame.headerBytes) {
      dropped.tooShort++
      continue
    }
    // Its numbers are not noted, so that what is still worth it is asked for when there is time again.
    if (isOverloaded && HopFrame.isDispensable(first)) {
      dropped.overload++
      continue
    }
    const leg = findLeg(self, batch, i, offset)
    if (leg === undefined) continue
    if (HopFrame.typeAt(bytes, offset) === HopFrame.FrameType.Handover) handleHandover(self, leg, batch, i, nowMs, out)
    else handleFrame(self, leg, offset, length, nowMs, out)
  }
  counters.controlIn += self.controlCount
  // What was overtaken within the batch is there by now. The timers would ask up to 5 ms later: a sixth of a short hop. With
  // more than can be done, they are soon enough.
  for (let leg = self.due.pop(); leg !== undefined; leg = self.due.pop()) {
    if (!isOverloaded) pollLeg(self, leg, nowMs, out)
  }
}

/** The leg that the frame has come on. One that is of none here is set aside. */
const findLeg = (
  self: Forwarding,
  batch: PacketBatch.PacketBatch,
  index: number,
  offset: number
): RelayLeg.RelayLeg | undefined => {
  const { dropped } = self.counters
  let leg = LegTable.get(self.legs, HopFrame.legTagAt(self.resources.rings.memory.view, offset))
  if (leg === undefined) {
    dropped.unknownLegTag++
    self.strays[self.strayCount++] = index
    return undefined
  }
  while (leg !== undefined && !isFrom(leg.hop.send.address, batch.addresses, index))
    leg = LegTable.getNext(self.legs, leg)
  if (leg === undefined) dropped.wrongAddress++
  return leg
}

/**
 * Another relay of the fleet has got a datagram that it takes for ours: it is handled as if it had come here, so it has
 * to have the tag and the address of a device's leg. The batch has it from now on in place of the frame that it was in.
 */
const handleHandover = (
  self: Forwarding,
  trunk: RelayLeg.RelayLeg,
  batch: PacketBatch.PacketBatch,
  index: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { counters, resources } = self
  const { bytes, view } = resources.rings.memory
  const { dropped } = counters
  if (!RelayLeg.isTrunk(trunk)) {
    dropped.unsupportedType++
    return
  }
  if (batch.lengths[index]! < trunk.hop.kind.headerBytes + Handover.sourceBytes) {
    dropped.tooShort++
    return
  }
  const verdict = ReceiveLeg.handleFrame(trunk.hop.receive, bytes, view, batch.offsets[index]!, nowMs)
  Leg.noteDeadline(trunk.hop)
  LegTimers.schedule(self.timers, trunk)
  if (verdict !== ReceiveLeg.Verdict.Control) {
    if (verdict === ReceiveLeg.Verdict.WrongEpoch) dropped.wrongEpoch++
    else dropped.duplicate++
    return
  }
  counters.handoversIn++
  Handover.unwrap(batch, index, view, trunk.hop.kind.headerBytes)
  self.handedOver[index] = 1
  const offset = batch.offsets[index]!
  const length = batch.lengths[index]!
  const first = length === 0 ? HopFrame.firstByteMin - 1 : bytes[offset]!
  if (Stun.isControl(first)) self.control[self.controlCount++] = index
  else if (first < HopFrame.firstByteMin) dropped.notOurs++
  else if (length < HopFrame.headerBytes) dropped.tooShort++
  else {
    const leg = findLeg(self, batch, index, offset)
    if (leg === undefined) return
    if (leg.participant === undefined) dropped.unsupportedType++
    else handleFrame(self, leg, offset, length, nowMs, out)
  }
}

const isFrom = (address: Uint32Array, addresses: Uint32Array, index: number): boolean => {
  const at = index * PacketBatch.addressWords
  return (
    addresses[at] === address[0] &&
    addresses[at + 4] === address[4] &&
    addresses[at + 3] === address[3] &&
    addresses[at + 2] === address[2] &&
    addresses[at + 1] === address[1]
  )
}

/** Takes in a frame that has come on this leg. */
export const handleFrame = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  offset: number,
  length: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { bytes, view } = self.resources.rings.memory
  const { counters } = self
  const type = HopFrame.typeAt(bytes, offset)
  const headerBytes = leg.hop.kind.headerBytes
  if (length < headerBytes) {
    counters.dropped.tooShort++
    return
  }
  const rtpOffset = offset + headerBytes
  const rtpBytes = length - headerBytes
  // Judged before its numbers are noted: a packet that cannot be forwarded may be asked for again.
  let stream: RelayStream | undefined
  if (HopFrame.isMedia(type)) {
    if (!StreamForwarding.isPacket(bytes, type, rtpOffset, rtpBytes)) {
      counters.dropped.malformedRtp++
      return
    }
    stream = StreamForwarding.findStream(leg, view, type, rtpOffset)
    if (stream === undefined) {
      counters.dropped.undeclaredStream++
      return
    }
  } else if (!HopFrame.isOfEveryLeg(type)) {
    counters.dropped.unsupportedType++
    return
  }
  const verdict = ReceiveLeg.handleFrame(leg.hop.receive, bytes, view, offset, nowMs)
  if (verdict === ReceiveLeg.Verdict.Control) {
    handleControl(self, leg, type, rtpOffset, rtpBytes, nowMs, out)
  } else if (verdict >= ReceiveLeg.Verdict.Duplicate) {
    if (verdict === ReceiveLeg.Verdict.Duplicate) counters.dropped.duplicate++
    else if (verdict === ReceiveLeg.Verdict.TooOld) counters.dropped.tooOld++
    else counters.dropped.wrongEpoch++
    return
  } else {
    if (verdict === ReceiveLeg.Verdict.Jumped) KeyFrames.requestAll(self, leg, nowMs, out)
    if (verdict === ReceiveLeg.Verdict.Repaired) {
      stream!.packetsRepaired++
      counters.repairedIn++
    }
    StreamForwarding.handleArrived(self, leg, stream!, offset, rtpOffset, rtpBytes, nowMs, out)
  }
  Leg.noteDeadline(leg.hop)
  const scheduled = leg.carrier ?? leg
  const { receive, repair } = leg.hop
  if (repair && receive.nacks.deadlineMs <= nowMs && !self.due.includes(scheduled)) self.due.push(scheduled)
  LegTimers.schedule(self.timers, scheduled)
}

/** Takes in a frame that carries no packet of the devices. */
const handleControl = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  type: number,
  offset: number,
  length: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { counters } = self
  if (type === HopFrame.FrameType.Padding) counters.paddingIn++
  else if (type === HopFrame.FrameType.Feedback) {
    counters.feedbackIn++
    handleFeedback(self, leg, offset, length, nowMs, out)
  } else StreamForwarding.handleRepair(self, leg, offset, length, nowMs, out)
}

/** Answers what the receiver asks for from the rings; requests end here, the next hop never sees them. */
const handleFeedback = (
  self: Forwarding,
  leg: RelayLeg.RelayLeg,
  offset: number,
  length: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { counters } = self
  const { packetsResent, requestsRefused } = leg.hop.send
  if (!Leg.handleFeedback(leg.hop, self.resources, offset, length, nowMs, out)) {
    counters.dropped.malformedFeedback++
    return
  }
  countResends(counters, leg, packetsResent, requestsRefused)
  KeyFrames.handleReport(self, leg, nowMs, out)
  KeyFrames.repeatLost(self, leg, nowMs, out)
  VideoRates.handleReport(self, leg, nowMs, out)
}

/** Of the legs that are due at a time: media waits behind what they send. And one more for so many packets that go out with it. */
const legsAtOnce = 8
const packetsPerLeg = 4

/**
 * Does what is due on some of the legs: requests, feedback, what has waited for its turn, padding. `LegTimers.isDue`: not yet on
 * all of them.
 */
export const pollLegs = (
  self: Forwarding,
  nowMs: number,
  out: PacketBatch.SendBatch,
  legsMax: number = legsAtOnce + Math.floor(out.count / packetsPerLeg)
): void => {
  LegTimers.poll(self.timers, nowMs, (leg) => pollLeg(self, leg, nowMs, out), legsMax)
}

const pollLeg = (self: Forwarding, leg: RelayLeg.RelayLeg, nowMs: number, out: PacketBatch.SendBatch): void => {
  const { packetsResent, packetsWithheld, repairsSent, requestsRefused } = leg.hop.send
  Leg.poll(leg.hop, self.resources, nowMs, out)
  self.counters.repairsOut += leg.hop.send.repairsSent - repairsSent
  countResends(self.counters, leg, packetsResent, requestsRefused)
  self.counters.withheld += leg.hop.send.packetsWithheld - packetsWithheld
  LayerChoice.poll(self, leg, nowMs, out)
}

/** What has come to the leg's counters, which were at these before. */
const countResends = (
  counters: PacketCounters.PacketCounters,
  { hop: { send } }: RelayLeg.RelayLeg,
  packetsResent: number,
  requestsRefused: number
): void => {
  counters.resent += send.packetsResent - packetsResent
  counters.resendsRefused += send.requestsRefused - requestsRefused
}
