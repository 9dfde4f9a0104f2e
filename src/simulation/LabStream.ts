import * as PacketRing from "../media/PacketRing.ts"
import * as PacketRings from "../media/PacketRings.ts"
import * as Pacing from "../media/Pacing.ts"
import type * as SendLeg from "../media/SendLeg.ts"
import * as StreamClock from "../media/StreamClock.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as RtpHeader from "../protocol/RtpHeader.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import type { LabNode } from "./LabNode.ts"

/**
 * A stream that a device sends: RTP packets that say next to nothing, kept and sent with the real modules, as client/streams/SendingStream
 * does it. Owned by one device, changed in place.
 */
export interface LabStream {
  readonly description: StreamDescription
  readonly clock: StreamClock.StreamClock
  nextSequenceNumber: number
  packets: number
  bytes: number
}

export const make = (description: StreamDescription): LabStream => ({
  description,
  clock: StreamClock.make(description.kind, description.clockRate),
  nextSequenceNumber: 0,
  packets: 0,
  bytes: 0
})

export interface Draft {
  readonly type: HopFrame.FrameType
  readonly timestamp: number
  readonly marker: boolean
  readonly descriptor: number
  readonly payloadBytes: number
  /** All that is in the payload: video's TL0PICIDX, see VideoSource. */
  readonly firstByte: number
}

const scratch = new Uint8Array(1500)
const scratchView = new DataView(scratch.buffer)
/** Dynamic, RFC 3551 section 6. */
const payloadType = 96

/** Keeps the packet for resends and puts it into the node's batch. */
export const send = (self: LabStream, node: LabNode, leg: SendLeg.SendLeg, draft: Draft, nowMs: number): void => {
  const { descriptor, firstByte, marker, payloadBytes, timestamp, type } = draft
  const { out, resources } = node
  const sequenceNumber = self.nextSequenceNumber
  const header = { marker, payloadType, sequenceNumber, timestamp, ssrc: self.description.ssrc, payload: scratch }
  self.nextSequenceNumber = SequenceNumber.next(sequenceNumber)
  self.packets++
  self.bytes += payloadBytes
  RtpHeader.writeHeader(scratchView, 0, header)
  scratch[RtpHeader.fixedHeaderBytes] = firstByte
  StreamClock.handlePacket(self.clock, timestamp, nowMs)
  const ring = PacketRings.ringOf(resources.rings, type)
  const bytes = scratch.subarray(0, RtpHeader.fixedHeaderBytes + payloadBytes)
  const kept = PacketRing.storeBytes(ring, bytes, timestamp, self.clock, nowMs)
  Pacing.send(leg, leg.legTag, ring, kept, HopFrame.typeByte(type, 0), descriptor, nowMs, out)
}
