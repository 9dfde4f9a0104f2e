import { audibleMax } from "../call/AudibleSpeakers.ts"
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
  voices: Voices
  /** It is not silent, until then. Milliseconds. */
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

/** What the voices of a call have in common at one relay. Replaced with each plan. */
export interface Voices {
  /** More are planned than may be heard at once, for nobody has chosen yet: of those what is silent goes no further. */
  readonly holdsSilence: boolean
  /** One that is not planned is let through on an onset, until then: meanwhile too. Milliseconds. */
  onsetUntilMs: number
  readonly gates: Array<VoiceGate>
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

export const makeVoices = (holdsSilence: boolean): Voices => ({ holdsSilence, onsetUntilMs: -Infinity, gates: [] })

export const make = (): VoiceGate => ({
  volume: VolumeMeter.make(),
  audience: [],
  isPlanned: true,
  voices: makeVoices(false),
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

const isSilent = ({ soundsUntilMs, voices }: VoiceGate, nowMs: number): boolean =>
  (voices.holdsSilence || nowMs < voices.onsetUntilMs) && nowMs >= soundsUntilMs

/** A new plan lets the stream through, or does not. */
export const handlePlan = (self: VoiceGate, isPlanned: boolean, voices: Voices, nowMs: number): void => {
  if (isPlanned) {
    if (nowMs < self.onsetUntilMs) self.holdMs = holdMsMin
    self.onsetUntilMs = -Infinity
  } else if (nowMs - self.onsetAtMs >= decidedAfterMs) endOnset(self)
  self.isPlanned = isPlanned
  self.voices = voices
  voices.gates.push(self)
  voices.onsetUntilMs = Math.max(voices.onsetUntilMs, self.onsetUntilMs)
}

/** A packet of it has come. Who does not say how loud he is is never silent. */
export const handleLevel = (self: VoiceGate, descriptor: number, nowMs: number): void => {
  const level = descriptor & levelMask
  const isUnknown = level === HopFrame.audioLevelUnknown && !self.volume.isKnown
  if (level >= silentFrom && !isUnknown) return
  const wasSilent = nowMs >= self.soundsUntilMs
  self.soundsUntilMs = nowMs + soundsForMs
  if (wasSilent && self.isPlanned && nowMs < self.voices.onsetUntilMs) makeRoom(self.voices, nowMs)
}

/** Whoever is planned comes before whoever is let through on an onset. */
const makeRoom = (voices: Voices, nowMs: number): void => {
  for (const gate of voices.gates) {
    if (countSounding(voices, nowMs) <= audibleMax) return
    if (!gate.isPlanned) gate.onsetUntilMs = -Infinity
  }
}

/** Of those who say how loud they are: those that are heard while somebody is let through on an onset. */
const countSounding = ({ gates }: Voices, nowMs: number): number => {
  let count = 0
  for (let i = 0; i < gates.length; i++) {
    const { isPlanned, onsetUntilMs, soundsUntilMs, volume } = gates[i]!
    if (volume.isKnown && nowMs < (isPlanned ? soundsUntilMs : onsetUntilMs)) count++
  }
  return count
}

/**
 * The stream's sender has said that it starts. True: it is let through from now on, and was not before; those that are planned and
 * silent make room. Where as many sound as may be heard at once it waits for the plan.
 */
export const handleOnset = (self: VoiceGate, nowMs: number): boolean => {
  if (isOpen(self, nowMs) || nowMs - self.onsetAtMs < self.holdMs) return false
  const { voices } = self
  if (!self.isPlanned && countSounding(voices, nowMs) >= audibleMax) return false
  self.onsetAtMs = nowMs
  self.onsetUntilMs = nowMs + onsetMs
  if (!self.isPlanned) voices.onsetUntilMs = self.onsetUntilMs
  return true
}

/** What was let through on an onset may be so no longer. */
export const poll = (self: VoiceGate, nowMs: number): void => {
  if (!self.isPlanned && nowMs >= self.onsetUntilMs) endOnset(self)
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
