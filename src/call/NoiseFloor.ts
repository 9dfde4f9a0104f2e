/**
 * How loud it is where one participant sits while he does not talk: the quietest frame of his last 15 to 16 s. Who is equally loud
 * all the time is above his floor for that long, and then never. Changed in place.
 */
export interface NoiseFloor {
  /** The quietest of each second, a ring. */
  readonly minima: Uint8Array
  /** Which of the seconds is being heard. */
  second: number
  framesInSecond: number
  /** dB above -127 dBov. */
  loudnessDb: number
}

const framesPerSecond = 50
/** Window of the minimum level. DominantSpeakerIdentification of jitsi-utils: 15 s. */
export const windowSeconds = 15
/** What is taken for given of somebody who has not been heard for so long: ours, -45 dBov. dB above -127 dBov. */
export const loudnessInitialDb = 127 - 45
/** Microphones that leave noise out have no floor. What is quieter counts as this: ours, -65 dBov. dB above -127 dBov. */
export const loudnessMinDb = 127 - 65

const loudnessMaxDb = 127

export const make = (): NoiseFloor => ({
  minima: new Uint8Array(windowSeconds).fill(loudnessInitialDb).fill(loudnessMaxDb, 0, 1),
  second: 0,
  framesInSecond: 0,
  loudnessDb: loudnessInitialDb
})

/**
 * Of one frame of 20 ms that has a level. Silence and frames that nobody knows the level of are not told here: they say
 * nothing of the room, and whoever is loud between them is equally loud all the time.
 */
export const handleFrame = (self: NoiseFloor, loudnessDb: number): void => {
  const heardDb = Math.max(loudnessMinDb, loudnessDb)
  if (heardDb < self.minima[self.second]!) self.minima[self.second] = heardDb
  if (heardDb < self.loudnessDb) self.loudnessDb = heardDb
  if (++self.framesInSecond < framesPerSecond) return
  self.framesInSecond = 0
  self.loudnessDb = self.minima.reduce((least, minimum) => Math.min(least, minimum))
  self.second = (self.second + 1) % windowSeconds
  // The floor stays what it is until this second, too, is over.
  self.minima[self.second] = loudnessMaxDb
}
