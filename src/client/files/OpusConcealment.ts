import * as OpusPayload from "../payload/OpusPayload.ts"

/** Gaps are filled in steps of the shortest frame, 2.5 ms. Samples at 48 kHz. */
export const stepSamples = 120

/**
 * Packets for a gap where packets were lost or never sent: their frames have no bytes, which tells the decoder to conceal
 * them. A file needs them, as the time of its packets must not jump (RFC 7845 section 4.1). They go on in the
 * configuration of a neighbour, the packet before if there is one, for as long as possible, since concealment is best so;
 * only what is left at the end takes shorter frames. A rest shorter than a step is not filled.
 *
 * `toc` is the neighbour's first byte.
 */
export const fill = (toc: number, gapSamples: number): ReadonlyArray<OpusPayload.OpusPacket> => {
  const packets: Array<OpusPayload.OpusPacket> = []
  let restSamples = gapSamples
  for (const config of configsToTry(toc >> 3)) {
    const frameSamples = OpusPayload.frameSamples(config)
    const framesMax = Math.floor(OpusPayload.packetSamplesMax / frameSamples)
    while (restSamples >= frameSamples) {
      const frames = Math.min(framesMax, Math.floor(restSamples / frameSamples))
      packets.push({ bytes: emptyFrames(config, toc, frames), durationSamples: frames * frameSamples })
      restSamples -= frames * frameSamples
    }
  }
  return packets
}

const stereoFlag = 0x04
/** Frame count code 3: a byte with the number of frames follows. RFC 6716 section 3.2.5. */
const countedFrames = 3

const emptyFrames = (config: number, toc: number, frames: number): Uint8Array => {
  const start = (config << 3) | (toc & stereoFlag)
  return frames === 1 ? Uint8Array.of(start) : Uint8Array.of(start | countedFrames, frames)
}

/** First the neighbour's own, then shorter ones of its mode, then of CELT, which alone is shorter than 10 ms. */
const configsToTry = (config: number): ReadonlyArray<number> => {
  const inMode = OpusPayload.shorterConfigs(config)
  const celt = celtConfigOf(config)
  return [config, ...inMode, ...(config < OpusPayload.celtConfigMin ? OpusPayload.shorterConfigs(celt) : [])]
}

/** The 10 ms configuration of CELT with the same audio bandwidth; CELT has no medium band, wide band stands in. */
const celtConfigOf = (config: number): number => {
  if (config < 4) return 18
  if (config < 12) return 22
  return config < 14 ? 26 : 30
}
