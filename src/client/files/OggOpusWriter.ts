import type { OpusPacket } from "../payload/OpusPayload.ts"
import * as OggPage from "./OggPage.ts"
import * as OpusConcealment from "./OpusConcealment.ts"
import * as OpusHead from "./OpusHead.ts"

/**
 * Writes an Ogg Opus file, RFC 7845, piece by piece: every function returns the bytes to append to the file now, which are
 * often none. A recorder that is killed loses at most the last second. Owned by one recorder and changed in place.
 */
export interface OggOpusWriter {
  readonly options: Options
  nextPage: number
  /** End of the last packet appended: the time of the file. Samples at 48 kHz. */
  endSamples: number
  /** The page being filled. The last page of the file must say so, hence it waits for one packet more. */
  readonly lacing: Array<number>
  readonly parts: Array<Uint8Array>
  pageSamples: number
  /** First byte of the last packet appended. */
  lastToc: number | undefined
  /** What the gaps so far have left unfilled, less than one step of concealment. Samples at 48 kHz. */
  owedSamples: number
}

export interface Options {
  /** Any number; a random one, if files may be joined later. 32 bits. */
  readonly serialNumber: number
  /** What players put out. The packets may be mono or stereo as they like. */
  readonly channels: 1 | 2
  /**
   * Start of the recording that is not played. From the first packet of a sender: the delay of its encoder, 312 with
   * libopus. From the middle of a stream: at least 3,840 (RFC 7845 section 5.1). Samples at 48 kHz.
   */
  readonly preSkipSamples: number
}

/** A page has at most a second. RFC 7845 section 4 asks for it. Samples at 48 kHz. */
const pageSamplesMax = 48_000

const vendor = "tandem"

export const make = (options: Options): OggOpusWriter => ({
  options,
  nextPage: 0,
  endSamples: 0,
  lacing: [],
  parts: [],
  pageSamples: 0,
  lastToc: undefined,
  owedSamples: 0
})

/** The two headers, each on a page of its own. */
export const begin = (self: OggOpusWriter): Uint8Array => {
  const { channels, preSkipSamples } = self.options
  const head = OpusHead.encode({ channels, preSkipSamples, inputSampleRate: 0, outputGainDb: 0 })
  const pages: Array<Uint8Array> = []
  for (const packet of [head, OpusHead.encodeTags(vendor)]) {
    addPacket(self, { bytes: packet, durationSamples: 0 })
    pages.push(takePage(self, false))
  }
  return OggPage.join(pages)
}

/**
 * Adds a packet. `gapSamples` is the time between the end of the packet before and this one: lost packets, or silence
 * that was not sent. It is filled with packets that ask the decoder for concealment; how long a gap may be is the caller's
 * to decide. Samples at 48 kHz.
 */
export const append = (self: OggOpusWriter, packet: OpusPacket, gapSamples: number): Uint8Array => {
  const pages: Array<Uint8Array> = []
  const missingSamples = gapSamples + self.owedSamples
  self.owedSamples = missingSamples % OpusConcealment.stepSamples
  const toc = packet.bytes[0]!
  for (const filling of OpusConcealment.fill(self.lastToc ?? toc, missingSamples)) {
    pages.push(...placePacket(self, filling))
  }
  pages.push(...placePacket(self, packet))
  self.lastToc = toc
  return OggPage.join(pages)
}

/** The last page. The writer is of no use afterwards. */
export const finish = (self: OggOpusWriter): Uint8Array => takePage(self, true)

const placePacket = (self: OggOpusWriter, packet: OpusPacket): ReadonlyArray<Uint8Array> => {
  const segments = OggPage.lacingOf(packet.bytes.length).length
  const fits =
    self.lacing.length + segments <= OggPage.lacingMax && self.pageSamples + packet.durationSamples <= pageSamplesMax
  const pages = fits || self.lacing.length === 0 ? [] : [takePage(self, false)]
  addPacket(self, packet)
  return pages
}

const addPacket = (self: OggOpusWriter, packet: OpusPacket): void => {
  self.lacing.push(...OggPage.lacingOf(packet.bytes.length))
  // The caller may use its memory again before the page is full.
  self.parts.push(packet.bytes.slice())
  self.pageSamples += packet.durationSamples
  self.endSamples += packet.durationSamples
}

const takePage = (self: OggOpusWriter, endsStream: boolean): Uint8Array => {
  const page = OggPage.encode({
    continued: false,
    beginsStream: self.nextPage === 0,
    endsStream,
    granulePosition: BigInt(self.endSamples),
    serialNumber: self.options.serialNumber,
    sequenceNumber: self.nextPage,
    lacing: Uint8Array.from(self.lacing),
    body: OggPage.join(self.parts)
  })
  self.nextPage++
  self.lacing.length = 0
  self.parts.length = 0
  self.pageSamples = 0
  return page
}
