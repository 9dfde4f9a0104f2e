import * as NoiseFloor from "./NoiseFloor.ts"

/**
 * What is known of one participant's voice: in which frames of the last 800 ms he spoke, and how loud. Some 650 bytes,
 * whatever is reported. Owned by the `DominantSpeaker` of his call, and changed in place.
 */
export interface SpeechActivity {
  readonly floor: NoiseFloor.NoiseFloor
  /** Of each frame, the newest first: 1 if it was speech. */
  readonly speech: Uint8Array
  /** Of the newest frame: how far it was above the floor, 0 to `subUnitsMax`. */
  subUnits: number
  /** How many of the newest frames, without one between them that was not, were active. */
  activeFrames: number
  /** Loudness of the frames that were speech, smoothed over all: dB above -127 dBov, in 1/256. */
  energy: number
  /** His device has set the voice bit of RFC 6464: then a frame without it is no voice. */
  hasVoiceBit: boolean
  /** Up to when it is known what he did, by the owner's clock. Milliseconds. */
  untilMs: number
}

export const frameMs = 20
/** How many frames are kept: 800 ms. Nothing looks further back. */
export const framesKept = 40
/** Sub-units of a frame: N1 of jitsi-utils. */
export const subUnitsMax = 13
/** Ours: 13 of them are 39 dB, which is from noise to loud speech. Jitsi divides all 127 dB by 13. */
const subUnitDb = 3
/** A frame is active from so many sub-units on: 9 dB above the quietest frame, some 5 above the mean of the noise. Ours. */
const activeSubUnits = 3
/**
 * Active frames are speech where so many follow each other. A key that is hit has three or four, a syllable seven or more.
 * Of jitsi-utils, where a medium sub-unit is active if all five frames of it are, but wherever the five begin.
 */
const speechRunFrames = 5
/** Level of a frame that is silent, or of which the level is not known. RFC 6464 section 3. */
const silentLevel = 127
const voiceBit = 0x80
/** What a report is of. Of the first one nothing else says what it is of. Milliseconds. */
const reportMs = 200
/** A report may come early or late by so much without being taken for one too many or one too few. Milliseconds. */
const slackMs = 100
/** Who has not been reported for so long is silent: two reports have not come. Milliseconds. */
const overdueMs = 400
/** Each frame counts 1/16: half is forgotten after 220 ms. Jitsi's alpha of .5, for each report of 200 ms. */
const energyShift = 4
export const energyFractionBits = 8

export const make = (nowMs: number): SpeechActivity => ({
  floor: NoiseFloor.make(),
  speech: new Uint8Array(framesKept),
  subUnits: 0,
  activeFrames: 0,
  energy: 0,
  hasVoiceBit: false,
  untilMs: nowMs - reportMs
})

/**
 * `levels`: a byte for each 20 ms, the oldest first, the newest of about now. Of more than time has passed for, the newest
 * are taken; of fewer, what is missing was silence.
 */
export const handleLevels = (self: SpeechActivity, levels: Uint8Array, nowMs: number): void => {
  handleClock(self, nowMs)
  const framesPassed = Math.floor((nowMs + slackMs - self.untilMs) / frameMs)
  const taken = Math.min(levels.length, framesPassed, framesKept)
  fillSilence(self, nowMs - slackMs - taken * frameMs)
  self.speech.copyWithin(taken, 0)
  for (let i = 0; i < taken; i++) handleFrame(self, levels[levels.length - taken + i]!, taken - 1 - i)
  self.untilMs += taken * frameMs
}

/** To be called before anything is decided: what is overdue was silence. */
export const handleTime = (self: SpeechActivity, nowMs: number): void => {
  handleClock(self, nowMs)
  fillSilence(self, nowMs - overdueMs)
}

/** How many of the newest `frames`, `framesKept` at most, were speech. */
export const speechFrames = ({ speech }: SpeechActivity, frames: number): number => {
  let count = 0
  for (let i = 0; i < frames; i++) count += speech[i]!
  return count
}

/** Nothing is known of times that are still to come: the clock has been set back. */
const handleClock = (self: SpeechActivity, nowMs: number): void => {
  if (self.untilMs > nowMs + slackMs) self.untilMs = nowMs - overdueMs
}

/** `place`: of the frame, from the newest. */
const handleFrame = (self: SpeechActivity, level: number, place: number): void => {
  const hasVoice = (level & voiceBit) !== 0
  if (hasVoice) self.hasVoiceBit = true
  const loudnessDb = silentLevel - (level & ~voiceBit)
  if (loudnessDb > 0) NoiseFloor.handleFrame(self.floor, loudnessDb)
  const aboveDb = hasVoice || !self.hasVoiceBit ? loudnessDb - self.floor.loudnessDb : 0
  self.subUnits = Math.max(0, Math.min(subUnitsMax, Math.floor(aboveDb / subUnitDb)))
  self.activeFrames = self.subUnits < activeSubUnits ? 0 : self.activeFrames + 1
  const isSpeech = self.activeFrames >= speechRunFrames
  self.speech[place] = isSpeech ? 1 : 0
  // That the frames before it were speech as well is known only now.
  if (self.activeFrames === speechRunFrames) self.speech.fill(1, place, place + speechRunFrames)
  handleLoudness(self, isSpeech ? loudnessDb : 0)
}

const handleLoudness = (self: SpeechActivity, loudnessDb: number): void => {
  self.energy += ((loudnessDb << energyFractionBits) - self.energy) >> energyShift
}

const fillSilence = (self: SpeechActivity, untilMs: number): void => {
  const frames = Math.floor((untilMs - self.untilMs) / frameMs)
  if (frames <= 0) return
  self.untilMs += frames * frameMs
  self.subUnits = 0
  self.activeFrames = 0
  const kept = Math.min(frames, framesKept)
  self.speech.copyWithin(kept, 0)
  self.speech.fill(0, 0, kept)
  if (kept === framesKept) self.energy = 0
  else for (let i = 0; i < kept; i++) handleLoudness(self, 0)
}
