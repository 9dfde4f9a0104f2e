import * as HopFrame from "../../protocol/HopFrame.ts"
import * as SequenceNumber from "../../protocol/SequenceNumber.ts"
import type * as LegKind from "../LegKind.ts"
import * as PacketRing from "../PacketRing.ts"
import * as PacketRings from "../PacketRings.ts"
import type * as ErasureCode from "./ErasureCode.ts"

/**
 * Where the newest packets of one leg lie: references into the packet rings by repair sequence. Owned by one decoder, changed
 * in place.
 */
export interface PacketWindow {
  readonly kind: LegKind.LegKind
  /** Of number `n`, at `n & (length - 1)`, for the newest `length` numbers: what is known of it. */
  readonly states: Uint8Array
  /** Number in its ring, first byte, descriptor and leg tag of its frame. */
  readonly numbers: Int32Array
  readonly types: Uint8Array
  readonly descriptors: Uint8Array
  readonly tags: Int32Array
  /** Newest number known to exist. */
  highest: number
}

export const State = {
  /** From before the window began, or not to be recovered. */
  Unknown: 0,
  Missing: 1,
  Present: 2,
  /** Recovered, and not added yet. */
  Recovered: 3
} as const
export type State = (typeof State)[keyof typeof State]

/** `length`: a power of two. What there was up to `highest` is not known. */
export const make = (kind: LegKind.LegKind, length: number, highest: number): PacketWindow => ({
  kind,
  states: new Uint8Array(length),
  numbers: new Int32Array(length),
  types: new Uint8Array(length),
  descriptors: new Uint8Array(length),
  tags: new Int32Array(length),
  highest
})

/** How far a number lies ahead of the newest. */
export const ahead = (self: PacketWindow, sequence: number): number =>
  SequenceNumber.distance(self.highest, sequence, self.kind.shift)

/** What lies between the newest number and this one, and itself, is missing. After a jump nothing is known of it. */
export const advanceTo = (self: PacketWindow, sequence: number): void => {
  const steps = ahead(self, sequence)
  if (steps <= 0) return
  if (steps >= self.states.length) self.states.fill(State.Unknown)
  else for (let step = 1; step <= steps; step++) self.states[placeOf(self, self.highest + step)] = State.Missing
  self.highest = sequence
}

/** The packet of this number, which the window reaches to, is here. */
export const add = (
  self: PacketWindow,
  sequence: number,
  packet: number,
  typeByte: number,
  descriptor: number,
  tag: number
): void => {
  const at = placeOf(self, sequence)
  self.states[at] = State.Present
  self.numbers[at] = packet
  self.types[at] = typeByte & ~HopFrame.resendFlag
  self.descriptors[at] = descriptor
  self.tags[at] = tag
}

/** How many of the `count` numbers from `base` on are missing; -1 when nothing is known of one of them. */
export const countMissing = (self: PacketWindow, base: number, count: number): number => {
  let missing = 0
  for (let column = 0; column < count; column++) {
    const state = self.states[placeOf(self, base + column)]
    if (state === State.Unknown) return -1
    if (state === State.Missing) missing++
  }
  return missing
}

/** Says something else of those that are missing. */
export const markMissing = (self: PacketWindow, base: number, count: number, state: State): void => {
  for (let column = 0; column < count; column++) {
    const at = placeOf(self, base + column)
    if (self.states[at] === State.Missing) self.states[at] = state
  }
}

/** Fills `into` with a block. False if a packet that was here cannot be read any more. */
export const findPackets = (
  self: PacketWindow,
  rings: PacketRings.PacketRings,
  base: number,
  count: number,
  into: ErasureCode.BlockPackets
): boolean => {
  for (let column = 0; column < count; column++) {
    const at = placeOf(self, base + column)
    into.lengths[column] = 0
    if (self.states[at] === State.Missing) continue
    const ring = PacketRings.ringOf(rings, (self.types[at]! >> 2) & 0x0f)
    const packet = self.numbers[at]!
    if (self.states[at] !== State.Present || !PacketRing.has(ring, packet)) return false
    into.offsets[column] = PacketRing.offsetOf(ring, packet)
    into.lengths[column] = PacketRing.lengthOf(ring, packet)
    into.types[column] = self.types[at]!
    into.descriptors[column] = self.descriptors[at]!
    into.tags[column] = self.tags[at]!
  }
  return true
}

const placeOf = (self: PacketWindow, sequence: number): number => sequence & (self.states.length - 1)
