import * as HopFrame from "../protocol/HopFrame.ts"
import * as VolumeMeter from "../media/VolumeMeter.ts"
import type { RelayLeg } from "./RelayLeg.ts"

/**
 * Whether one audio stream of a group goes any further. The plan says so, a moment after somebody has begun to talk. Until
 * then a sender may say itself that it has just started (audio onset): the stream is let through at once, with the packets
 * just before, so that first words are not cut. That is limited, and whoever does it without being heard by the plan after
 * all has to wait for longer each time. docs/algorithms/dominant-speaker.md. Owned by one stream, changed in place.
 */
export interface VoiceGate {
  readonly volume: VolumeMeter.VolumeMeter
  /** The legs that get the stream when it is let through. Replaced whole by each plan. */
  audience: ReadonlyArray<RelayLeg>
  isPlanned: boolean
  /** More are planned than may be heard at once, for nobody has chosen yet: silence goes no further. Whoever is not silent does, until then. */
  holdsSilence: boolean
  soundsUntilMs: number
  /** It has been let through on an onset, until then; -Infinity: it is not. Milliseconds. */
  onsetUntilMs: number
  onsetAtMs: number
  /** For how long after an onset there is no other. Milliseconds. */
  holdMs: number
  /** Packets that have been held back since the last that went through; the newest of them by their number in the ring. */
  heldBack: number
  readonly packets: Int32Array
  readonly descriptors: Uint8Array
}

/** So many packets of before are let through with an onset: it takes two loud ones to know, and one may have been lost. */
const packetsBefore = 3
/** What is quieter is silence, as long as nobody knows the room. dBov below 0; speech is 20 to 40, see docs/algorithms/dominant-speaker.md. */
const silentFrom = 55
/** A pause between two words is shorter. Milliseconds. */
const soundsForMs = 400
const levelMask = 0x7f
/** What is older, as after a pause of the sender, is no part of what it says. */
export const heldBackSeconds = 0.2
/** By then the plan knows who talks. Milliseconds. */
const onsetMs = 800
/** Reports every 200 ms, decisions as often: a plan that is older than this knew nothing of the onset. Milliseconds. */
const decidedAfterMs = 450
const holdMsMin = 2000
const holdMsMax = 60_000

export const make = (): VoiceGate => ({
  volume: VolumeMeter.make(),
  audience: [],
  isPlanned: true,
  holdsSilence: false,
  soundsUntilMs: -Infinity,
  onsetUntilMs: -Infinity,
  onsetAtMs: -Infinity,
  holdMs: holdMsMin,
  heldBack: 0,
  packets: new Int32Array(packetsBefore),
  descriptors: new Uint8Array(packetsBefore)
})

export const isOpen = (self: VoiceGate, nowMs: number): boolean =>
  nowMs < self.onsetUntilMs || (self.isPlanned && !isSilent(self, nowMs))

const isSilent = ({ holdsSilence, soundsUntilMs }: VoiceGate, nowMs: number): boolean =>
  holdsSilence && nowMs >= soundsUntilMs

/** A new plan lets the stream through, or does not; of many among whom nobody has chosen, what is not silent. */
export const handlePlan = (self: VoiceGate, isPlanned: boolean, holdsSilence: boolean, nowMs: number): void => {
  self.holdsSilence = holdsSilence
  if (isPlanned) {
    if (nowMs < self.onsetUntilMs) self.holdMs = holdMsMin
    self.onsetUntilMs = -Infinity
  } else if (nowMs - self.onsetAtMs >= decidedAfterMs) endOnset(self)
  self.isPlanned = isPlanned
}

/** A packet of it has come. True: it was silent, and is so no longer. Who does not say how loud he is never is. */
export const handleLevel = (self: VoiceGate, descriptor: number, nowMs: number): boolean => {
  const level = descriptor & levelMask
  const isUnknown = level === HopFrame.audioLevelUnknown && !self.volume.isKnown
  if (level >= silentFrom && !isUnknown) return false
  const wasSilent = nowMs >= self.soundsUntilMs
  self.soundsUntilMs = nowMs + soundsForMs
  return wasSilent && self.isPlanned && self.holdsSilence
}

/** The stream's sender has said that it starts. True: it is let through from now on, and was not before. */
export const handleOnset = (self: VoiceGate, nowMs: number): boolean => {
  if (isOpen(self, nowMs) || nowMs - self.onsetAtMs < self.holdMs) return false
  self.onsetAtMs = nowMs
  self.onsetUntilMs = nowMs + onsetMs
  return true
}

/** True: what was let through on an onset, or because it was not silent, is so no longer. */
export const poll = (self: VoiceGate, nowMs: number): boolean => {
  if (self.isPlanned) return !isOpen(self, nowMs)
  if (nowMs < self.onsetUntilMs || self.onsetUntilMs === -Infinity) return false
  endOnset(self)
  return true
}

/** The newest packets are kept in mind, for an onset. */
export const holdBack = (self: VoiceGate, packet: number, descriptor: number): void => {
  const at = self.heldBack++ % packetsBefore
  self.packets[at] = packet
  self.descriptors[at] = descriptor
}

/** A packet goes through. True: there is a hole before it, which is intended. */
export const letThrough = (self: VoiceGate): boolean => {
  const hadHole = self.heldBack > 0
  self.heldBack = 0
  return hadHole
}

/** How many of those that were held back since the last that went through are still in the tables. */
export const countHeldBack = ({ heldBack }: VoiceGate): number => Math.min(packetsBefore, heldBack)

/** It has ended, and the plan did not come to the same. */
const endOnset = (self: VoiceGate): void => {
  if (self.onsetUntilMs === -Infinity) return
  self.onsetUntilMs = -Infinity
  self.holdMs = Math.min(holdMsMax, 2 * self.holdMs)
}
