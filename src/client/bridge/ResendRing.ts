import * as SequenceNumber from "../../protocol/SequenceNumber.ts"

/** The last packets of one stream, by sequence number: what a local program may ask for again. Changed in place. */
export interface ResendRing {
  /** Of number `n`, at `n & (ringPackets - 1)`. */
  readonly packets: Array<Uint8Array | undefined>
  readonly storedAtMs: Float64Array
  readonly resentAtMs: Float64Array
  /** Packets that may be sent again now. */
  budget: number
}

/** A second of 5 Mbit/s. Packets. */
export const ringPackets = 512
/** Nobody waits longer for a packet: see NackGenerator.giveUpAfterMs. Milliseconds. */
export const keptMs = 1500
/** A packet is not sent again sooner: a program next door has had it by then. Milliseconds. */
export const resendMsMin = 10
/** What may be saved up. Each packet that is sent earns one, as in SendLeg: nobody gets more again than at first. Packets. */
export const budgetMax = 256

/** Where the sequence number is in an RTP packet. */
const sequenceAt = (packet: Uint8Array): number => (packet[2]! << 8) | packet[3]!
const placeOf = (sequenceNumber: number): number => sequenceNumber & (ringPackets - 1)

export const make = (): ResendRing => ({
  packets: new Array<Uint8Array | undefined>(ringPackets).fill(undefined),
  storedAtMs: new Float64Array(ringPackets),
  resentAtMs: new Float64Array(ringPackets),
  budget: budgetMax
})

/** Keeps an RTP packet, not a copy of it. */
export const store = (self: ResendRing, packet: Uint8Array, nowMs: number): void => {
  const sequenceNumber = sequenceAt(packet)
  const at = placeOf(sequenceNumber)
  const kept = self.packets[at]
  // One that comes late must not push out its successor of a lap later.
  if (kept !== undefined && nowMs - self.storedAtMs[at]! < keptMs) {
    if (SequenceNumber.distance(sequenceAt(kept), sequenceNumber) < 0) return
  }
  self.packets[at] = packet
  self.storedAtMs[at] = nowMs
  self.resentAtMs[at] = -Infinity
  self.budget = Math.min(budgetMax, self.budget + 1)
}

/** The packet with this number, if it is to be sent again now. */
export const take = (self: ResendRing, sequenceNumber: number, nowMs: number): Uint8Array | undefined => {
  const at = placeOf(sequenceNumber)
  const packet = self.packets[at]
  if (packet === undefined || sequenceAt(packet) !== sequenceNumber || self.budget === 0) return undefined
  if (nowMs - self.storedAtMs[at]! > keptMs || nowMs - self.resentAtMs[at]! < resendMsMin) return undefined
  self.resentAtMs[at] = nowMs
  self.budget--
  return packet
}
