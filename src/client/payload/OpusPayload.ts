import { Result } from "effect"
import { malformed, type MalformedPacket } from "../../protocol/MalformedPacket.ts"

/** RFC 7587 section 4.1: always this, whatever the encoder runs at. Ticks a second. */
export const clockRate = 48_000

/** RFC 6716 section 3.2.5, requirement R5: a packet holds at most 120 ms. Samples at 48 kHz. */
export const packetSamplesMax = 5_760

/**
 * Longest packet without padding: TOC, frame count, and 48 frames of 1,275 bytes, each with a length of two bytes. RFC 6716
 * section 3.2. It fits on one page of Ogg.
 */
export const packetBytesMax = 2 + 48 * (1_275 + 2)

/** One Opus packet, RFC 6716 section 3. An RTP payload is exactly one, RFC 7587 section 4.2. */
export interface OpusPacket {
  readonly bytes: Uint8Array
  /** At 48 kHz: also the ticks to the next packet's RTP timestamp. */
  readonly durationSamples: number
}

/** Frame lengths by the low bits of the configuration number, RFC 6716 table 2. Samples at 48 kHz. */
const silkFrameSamples = [480, 960, 1_920, 2_880] as const
const hybridFrameSamples = [480, 960] as const
const celtFrameSamples = [120, 240, 480, 960] as const

/** First configuration numbers of the hybrid and the CELT mode, RFC 6716 table 2. */
export const hybridConfigMin = 12
export const celtConfigMin = 16

/** Length of one frame of a configuration, 0..31. Samples at 48 kHz. */
export const frameSamples = (config: number): number => {
  if (config < hybridConfigMin) return silkFrameSamples[config & 3]!
  if (config < celtConfigMin) return hybridFrameSamples[config & 1]!
  return celtFrameSamples[config & 3]!
}

/** Configurations of the same mode and audio bandwidth with shorter frames, the longest first. */
export const shorterConfigs = (config: number): ReadonlyArray<number> => {
  const isHybrid = config >= hybridConfigMin && config < celtConfigMin
  const shortest = isHybrid ? config & ~1 : config & ~3
  return Array.from({ length: config - shortest }, (_, index) => config - 1 - index)
}

const tooShort = malformed("Rtp", "TooShort")
const lengthMismatch = malformed("Rtp", "LengthMismatch")

/**
 * Reads an RTP payload, or a packet of a file, as an Opus packet; the bytes are not copied. Only what the duration depends
 * on is checked (RFC 6716 section 3.4, R1, R3 and R5): the lengths of the frames inside are the decoder's business.
 */
export const read = (payload: Uint8Array): Result.Result<OpusPacket, MalformedPacket> => {
  if (payload.length === 0) return tooShort
  if (payload.length > packetBytesMax) return lengthMismatch
  const toc = payload[0]!
  const samples = frameSamples(toc >> 3)
  switch (toc & 3) {
    case 0:
      return Result.succeed({ bytes: payload, durationSamples: samples })
    case 1:
      // Two frames of equal length.
      return payload.length % 2 === 0 ? lengthMismatch : twoFrames(payload, samples)
    case 2:
      return payload.length < 2 ? tooShort : twoFrames(payload, samples)
    default: {
      if (payload.length < 2) return tooShort
      const durationSamples = (payload[1]! & 0x3f) * samples
      if (durationSamples === 0 || durationSamples > packetSamplesMax) return lengthMismatch
      return Result.succeed({ bytes: payload, durationSamples })
    }
  }
}

const twoFrames = (bytes: Uint8Array, samples: number): Result.Result<OpusPacket, MalformedPacket> =>
  Result.succeed({ bytes, durationSamples: 2 * samples })
