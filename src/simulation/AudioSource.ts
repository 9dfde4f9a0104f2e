import * as OnsetDetector from "../media/OnsetDetector.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as Random from "./Random.ts"

/**
 * Somebody who speaks: 20 ms of Opus in a packet while he talks, and while he is silent a packet of noise now and then
 * (discontinuous transmission). Talk and silence take turns, both exponential. Changed in place.
 */
export interface AudioSource {
  readonly options: Options
  readonly spells: Random.Random
  readonly onsets: OnsetDetector.OnsetDetector
  isTalking: boolean
  spellUntilMs: number
  /** The next one's number; packets of 20 ms since the beginning, sent or not. */
  frame: number
  silentFrames: number
  /** Of the frame that `next` has made. */
  timestamp: number
  descriptor: number
  isOnset: boolean
  payloadBytes: number
}

export interface Options {
  readonly talkMeanMs: number
  readonly silenceMeanMs: number
  readonly talkBytes: number
  /** Given, they say how loud each frame is, as of RFC 6464; and all are sent. */
  readonly levels?: Uint8Array
  /** The device says when it has just started to be heard, by these levels. */
  readonly saysOnsets?: boolean
}

/** ITU-T P.59, artificial conversational speech: means of talk spurts and pauses. 32 kbit/s. */
export const conversation: Options = { talkMeanMs: 1004, silenceMeanMs: 1587, talkBytes: 80 }
/** Music, or a microphone that leaves nothing out. */
export const continuous: Options = { talkMeanMs: Infinity, silenceMeanMs: 1, talkBytes: 80 }

export const packetMs = 20
export const clockRate = 48_000
/** RFC 6716 section 2.1.9: in silence one frame every 400 ms. */
const noiseEveryFrames = 400 / packetMs
const noiseBytes = 8
/** RFC 6464: the voice bit and -30 dBov. */
const talkDescriptor = 0x80 | 30

export const make = (options: Options, seed: string, name: string): AudioSource => {
  const spells = Random.make(seed, `${name} spells`)
  return {
    options,
    spells,
    onsets: OnsetDetector.make(),
    isTalking: true,
    spellUntilMs: options.talkMeanMs * Random.exponential(spells),
    frame: 0,
    silentFrames: 0,
    timestamp: 0,
    descriptor: 0,
    isOnset: false,
    payloadBytes: 0
  }
}

/** When the next frame is to be made. Milliseconds since the beginning. */
export const nextAtMs = ({ frame }: AudioSource): number => frame * packetMs

/** Makes the next frame; false when it is not sent. */
export const next = (self: AudioSource): boolean => {
  const nowMs = nextAtMs(self)
  if (self.options.levels !== undefined) return nextOf(self, self.options.levels, nowMs)
  const talkedBefore = self.isTalking && self.frame > 0
  while (nowMs >= self.spellUntilMs) {
    self.isTalking = !self.isTalking
    const meanMs = self.isTalking ? self.options.talkMeanMs : self.options.silenceMeanMs
    self.spellUntilMs += meanMs * Random.exponential(self.spells)
  }
  self.timestamp = (self.frame * packetMs * clockRate) / 1000
  self.isOnset = self.isTalking && !talkedBefore
  self.descriptor = self.isTalking ? talkDescriptor : HopFrame.audioLevelUnknown
  self.payloadBytes = self.isTalking ? self.options.talkBytes : noiseBytes
  self.silentFrames = self.isTalking ? 0 : self.silentFrames + 1
  self.frame++
  return self.isTalking || self.silentFrames % noiseEveryFrames === 1
}

const nextOf = (self: AudioSource, levels: Uint8Array, nowMs: number): boolean => {
  const { onsets, options } = self
  self.timestamp = (self.frame * packetMs * clockRate) / 1000
  self.descriptor = levels[self.frame] ?? HopFrame.audioLevelUnknown
  self.isOnset = options.saysOnsets === true && OnsetDetector.handleFrame(onsets, self.descriptor, nowMs)
  self.payloadBytes = options.talkBytes
  self.frame++
  return true
}
