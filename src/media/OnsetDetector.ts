import { audioLevelUnknown } from "../protocol/HopFrame.ts"

/**
 * Tells when this device has just started to be heard, by the levels that the application gives with its audio (RFC 6464). A
 * relay may then let its audio through before it has seen by itself who speaks. Changed in place; reads no clock.
 */
export interface OnsetDetector {
  /** What is there when nobody speaks. dBov; `undefined` before the first level. */
  floorDb: number | undefined
  lastAtMs: number
  /** Loud frames without a quieter one between them. */
  loudFrames: number
  /** When the first and the last of them came, or of those before. */
  loudSinceMs: number
  lastLoudAtMs: number
  isOnset: boolean
  /** Of the last onset: its first loud frame, and when it was known. */
  onsetSinceMs: number
  onsetAtMs: number
}

/** Above the floor is loud. */
export const loudAboveFloorDb = 15
/** A click is one frame. */
export const loudFramesMin = 2
/** Afterwards a relay has seen by itself who speaks. Milliseconds. */
export const onsetMsMax = 800
/** A pause between two words is shorter. Milliseconds. */
export const quietMs = 200
/** From one onset to the next: who coughs is not let through again and again. Milliseconds. */
export const onsetEveryMs = 2000

/** Of the way down to a quieter frame in one frame: one that is quieter by chance does not make the floor. */
const fallShare = 0.25
/** Louder surroundings are the floor after some seconds, a sentence is not. dB a second. */
const riseDbPerSecond = 3
/** Without frames nothing is learned. Milliseconds. */
const riseMsMax = 100

const levelMask = 0x7f

export const make = (): OnsetDetector => ({
  floorDb: undefined,
  lastAtMs: -Infinity,
  loudFrames: 0,
  loudSinceMs: -Infinity,
  lastLoudAtMs: -Infinity,
  isOnset: false,
  onsetSinceMs: -Infinity,
  onsetAtMs: -Infinity
})

/**
 * Takes in the descriptor of the next audio packet; whether the packet belongs to an onset. That is known with the second
 * loud frame: the first has gone out by then, and its onset is counted from it. An unknown level tells nothing, and is quiet.
 */
export const handleFrame = (self: OnsetDetector, descriptor: number, nowMs: number): boolean => {
  const level = descriptor & levelMask
  if (level === audioLevelUnknown) self.loudFrames = 0
  else handleLevel(self, -level, nowMs)
  const isOver = nowMs - self.onsetSinceMs >= onsetMsMax || nowMs - self.lastLoudAtMs >= quietMs
  if (isOver) self.isOnset = false
  return self.isOnset && level !== audioLevelUnknown
}

const handleLevel = (self: OnsetDetector, levelDb: number, nowMs: number): void => {
  const floorDb = self.floorDb ?? levelDb
  const passedMs = Math.min(riseMsMax, Math.max(0, nowMs - self.lastAtMs))
  self.lastAtMs = nowMs
  const isLoud = levelDb - floorDb >= loudAboveFloorDb
  // What comes after a pause begins anew, whether there were quiet frames in it or none.
  if (!isLoud || nowMs - self.lastLoudAtMs >= quietMs) self.loudFrames = 0
  if (isLoud) {
    if (++self.loudFrames === 1) self.loudSinceMs = nowMs
    self.lastLoudAtMs = nowMs
    // Only where a run of loud frames begins: who goes on to speak does not start.
    if (self.loudFrames === loudFramesMin && nowMs - self.onsetAtMs >= onsetEveryMs) {
      self.isOnset = true
      self.onsetSinceMs = self.loudSinceMs
      self.onsetAtMs = nowMs
    }
  }
  // As long as it is not known whether it is a start, the floor stays what it is.
  if (self.loudFrames === 1) self.floorDb = floorDb
  else if (levelDb < floorDb) self.floorDb = floorDb + (levelDb - floorDb) * fallShare
  else self.floorDb = Math.min(levelDb, floorDb + (riseDbPerSecond * passedMs) / 1000)
}
