import { Result } from "effect"
import * as KeyFrameRequest from "../../media/KeyFrameRequest.ts"
import * as OrderedStream from "../../media/OrderedStream.ts"
import type { Bounds } from "../../media/PlayoutDelay.ts"
import * as HopFrame from "../../protocol/HopFrame.ts"
import type { ParticipantId } from "../../protocol/Ids.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import type { StreamDescription } from "../../protocol/StreamDescription.ts"
import * as EndToEndEncryption from "../EndToEndEncryption.ts"
import { metadataOf } from "./Metadata.ts"
import type { ReceivedPacket } from "./ReceivedPacket.ts"
import type { ReceivedRtp } from "./ReceivedRtp.ts"
import * as RecentPackets from "./RecentPackets.ts"
import * as SplicedStream from "./SplicedStream.ts"

/**
 * A stream of another participant: each packet is taken once, whatever leg it comes on, decrypted, and put in order; or
 * handed out whole at once, for who does the rest. Changed in place; reads no clock.
 */
export interface ReceivingStream {
  readonly participant: ParticipantId
  readonly description: StreamDescription
  /** `undefined`: payloads are handed out as they come. */
  readonly decryption: EndToEndEncryption.Receiver | undefined
  readonly ordered: OrderedStream.OrderedStream<ReceivedPacket>
  /** What its packets go through when they have left `ordered`, all layers of its source together; `undefined`: it has no layers. */
  readonly spliced: SplicedStream.SplicedStream | undefined
  /** `undefined`: packets are put in order. */
  readonly whole: WholePackets | undefined
  /** When its sender, who has left, is forgotten; Infinity: who is still there. Milliseconds. */
  departsAtMs: number
  readonly counters: ReceivingCounters
}

/** What takes whole packets as they come, and which of them were here. */
interface WholePackets {
  readonly recent: RecentPackets.RecentPackets
  readonly handOut: (packet: ReceivedRtp) => void
}

/** Packets, unless said otherwise. */
export interface ReceivingCounters {
  packets: number
  payloadBytes: number
  packetsRepaired: number
  packetsDuplicate: number
  /** Changed on the way, or encrypted with another secret. */
  packetsUndecryptable: number
}

/** A packet as it has come, with what its frame says about it. */
export interface ArrivedPacket {
  /** With its RTP header. Only read, and copied. */
  readonly bytes: Uint8Array
  readonly descriptor: number
  readonly repaired: boolean
  readonly arrivedAtMs: number
  /** `undefined`: nothing is known to have been left out before it. */
  readonly hole?: OrderedStream.IntendedHole | undefined
}

export interface Options {
  readonly sharedSecret: Uint8Array | undefined
  /** See JoinOptions. Milliseconds. */
  readonly playoutDelayMs: number | Bounds
  /** What is lost is asked for again. */
  readonly repair: boolean
  /** Takes packets whole and as they come; left out, they come out of `poll` in order. */
  readonly handOutWhole?: ((packet: ReceivedRtp) => void) | undefined
}

export const make = (
  participant: ParticipantId,
  description: StreamDescription,
  options: Options,
  spliced?: SplicedStream.SplicedStream
): ReceivingStream => {
  const { handOutWhole, sharedSecret } = options
  return {
    participant,
    description,
    decryption: sharedSecret && EndToEndEncryption.makeReceiver({ secret: sharedSecret, ssrc: description.ssrc }),
    ordered: OrderedStream.make(description, options),
    spliced,
    whole: handOutWhole && { recent: RecentPackets.make(), handOut: handOutWhole },
    departsAtMs: Infinity,
    counters: { packets: 0, payloadBytes: 0, packetsRepaired: 0, packetsDuplicate: 0, packetsUndecryptable: 0 }
  }
}

/** Appends the packets whose turn it is. */
export const poll = ({ ordered, spliced }: ReceivingStream, nowMs: number, out: Array<ReceivedPacket>): void => {
  if (spliced === undefined) {
    OrderedStream.poll(ordered, nowMs, out)
    return
  }
  const ready: Array<ReceivedPacket> = []
  OrderedStream.poll(ordered, nowMs, ready)
  for (const packet of ready) {
    if (SplicedStream.handlePacket(spliced, packet, out)) OrderedStream.requestKeyFrame(ordered)
  }
}

/** Takes a packet in. It comes out of `poll` when its turn has come. */
export const handlePacket = (self: ReceivingStream, arrived: ArrivedPacket): void => {
  if (self.whole === undefined) putInOrder(self, arrived)
  else handOut(self, self.whole, arrived)
}

const handOut = (self: ReceivingStream, whole: WholePackets, arrived: ArrivedPacket): void => {
  const { counters, description, participant } = self
  const { arrivedAtMs, bytes, descriptor, repaired } = arrived
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sequenceNumber = RtpHeader.sequenceNumberAt(view, 0)
  const timestamp = RtpHeader.timestampAt(view, 0)
  if (RecentPackets.has(whole.recent, sequenceNumber, timestamp)) {
    counters.packetsDuplicate++
    return
  }
  const packet = self.decryption === undefined ? bytes.slice() : openWhole(self, arrived)
  if (packet === undefined) return
  RecentPackets.remember(whole.recent, sequenceNumber, timestamp)
  const { keyFrames } = self.ordered
  if (keyFrames !== undefined && HopFrame.startsKeyFrame(descriptor)) KeyFrameRequest.handleKeyFrame(keyFrames)
  counters.packets++
  counters.payloadBytes += Math.max(0, packet.length - RtpHeader.headerBytesOf(packet))
  if (repaired) counters.packetsRepaired++
  whole.handOut({ participant, stream: description, bytes: packet, descriptor, arrivedAtMs, repaired })
}

const putInOrder = (self: ReceivingStream, arrived: ArrivedPacket): void => {
  const { counters, ordered } = self
  const decoded = RtpHeader.decode(arrived.bytes)
  if (Result.isFailure(decoded)) {
    counters.packetsUndecryptable++
    return
  }
  const { sequenceNumber, timestamp } = decoded.success
  const { descriptor, hole } = arrived
  const returns = hole !== undefined && OrderedStream.returns(ordered, { descriptor, sequenceNumber, timestamp })
  if (!returns && !OrderedStream.isNew(ordered, sequenceNumber)) {
    counters.packetsDuplicate++
    return
  }
  const payload = openPayload(self, decoded.success.payload, arrived)
  if (payload === undefined) return
  if (!OrderedStream.handlePacket(ordered, toReceived(self, decoded.success, payload, arrived), hole)) return
  counters.packets++
  counters.payloadBytes += payload.length
  if (arrived.repaired) counters.packetsRepaired++
}

const toReceived = (
  { description, participant }: ReceivingStream,
  { marker, sequenceNumber, timestamp }: RtpHeader.RtpPacket,
  payload: Uint8Array,
  { arrivedAtMs, descriptor, repaired }: ArrivedPacket
): ReceivedPacket => ({
  participant,
  ssrc: description.ssrc,
  kind: description.kind,
  codec: description.codec,
  sequenceNumber,
  timestamp,
  marker,
  payload,
  descriptor,
  arrivedAtMs,
  repaired,
  missedBefore: 0
})

const openPayload = (
  { counters, decryption }: ReceivingStream,
  sealed: Uint8Array,
  { bytes, descriptor }: ArrivedPacket
): Uint8Array | undefined => {
  if (decryption === undefined) return sealed.slice()
  const opened = EndToEndEncryption.open(decryption, sealed, metadataOf(bytes, descriptor))
  if (Result.isSuccess(opened)) return opened.success
  if (opened.failure.reason === "Replayed") counters.packetsDuplicate++
  else counters.packetsUndecryptable++
  return undefined
}

/** The header as it came, and the plain payload behind it. */
const openWhole = (self: ReceivingStream, arrived: ArrivedPacket): Uint8Array | undefined => {
  const headerBytes = RtpHeader.headerBytesOf(arrived.bytes)
  const payload = openPayload(self, arrived.bytes.subarray(headerBytes), arrived)
  if (payload === undefined) return undefined
  const packet = new Uint8Array(headerBytes + payload.length)
  packet.set(arrived.bytes.subarray(0, headerBytes))
  packet.set(payload, headerBytes)
  return packet
}
