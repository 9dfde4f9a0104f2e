import { Result } from "effect"
import * as OpusPayload from "../payload/OpusPayload.ts"
import { startsWith } from "./FileMagic.ts"
import * as OggPage from "./OggPage.ts"
import * as OpusHead from "./OpusHead.ts"
import { unreadable, type UnreadableFile } from "./UnreadableFile.ts"

export interface OggOpusFile {
  readonly head: OpusHead.OpusHead
  /** In their order. Their bytes are parts of the file but where a packet crosses pages. */
  readonly packets: ReadonlyArray<OpusPayload.OpusPacket>
}

/**
 * Reads a whole Ogg Opus file, RFC 7845: the packets of its first Opus stream. Other streams beside it are passed over, and
 * so is what follows its end (a chained stream). A file that was not closed, because a recorder was killed, but ends with
 * a whole page is read as far as it goes; one that ends within a page or a packet is refused.
 */
export const read = (file: Uint8Array): Result.Result<OggOpusFile, UnreadableFile> => {
  const stream: OpusStream = { serialNumber: undefined, nextPage: 0, packets: [], unfinished: [], otherCodecs: [] }
  let offset = 0
  let ended = false
  while (offset < file.length && !ended) {
    const decoded = OggPage.decode(file, offset)
    if (Result.isFailure(decoded)) return pageError(decoded.failure, offset, file.length)
    const page = decoded.success
    if (page.beginsStream) beginStream(stream, page)
    if (page.serialNumber === stream.serialNumber) {
      const fault = takePage(stream, page)
      if (fault !== undefined) return damaged(`at byte ${offset}: ${fault}`)
      ended = page.endsStream
    }
    offset += OggPage.pageBytes(page)
  }
  return file.length === 0 ? notOgg : finish(stream, file.length)
}

/** What has been read so far. */
interface OpusStream {
  /** Of the first Opus stream. */
  serialNumber: number | undefined
  nextPage: number
  readonly packets: Array<Uint8Array>
  /** Parts of a packet that goes on upon the next page. */
  unfinished: Array<Uint8Array>
  readonly otherCodecs: Array<string>
}

/** How the first packet of a stream begins, and what to call it. */
const codecNames: ReadonlyArray<readonly [start: string, name: string]> = [
  ["\x01vorbis", "Vorbis"],
  ["\x7fFLAC", "FLAC"],
  ["Speex   ", "Speex"],
  ["\x80theora", "Theora"],
  ["BBCD\0", "Dirac"],
  ["\x80kate", "Kate"],
  // An index of the other streams.
  ["fishead\0", "a skeleton"]
]

const beginStream = (stream: OpusStream, page: OggPage.OggPage): void => {
  if (OpusHead.isOpusHead(page.body)) stream.serialNumber ??= page.serialNumber
  else stream.otherCodecs.push(codecNames.find(([start]) => startsWith(page.body, start))?.[1] ?? "an unknown codec")
}

/** Cuts a page into packets; says what is wrong with it, if anything. */
const takePage = (stream: OpusStream, page: OggPage.OggPage): string | undefined => {
  if (page.sequenceNumber !== stream.nextPage) return "pages are missing before it"
  if (page.continued !== stream.unfinished.length > 0) return "a packet has lost its beginning or its end"
  stream.nextPage = (stream.nextPage + 1) >>> 0
  let start = 0
  let end = 0
  for (const segmentBytes of page.lacing) {
    end += segmentBytes
    if (segmentBytes === OggPage.segmentBytesMax) continue
    stream.packets.push(OggPage.join([...stream.unfinished, page.body.subarray(start, end)]))
    stream.unfinished = []
    start = end
  }
  if (page.lacing.at(-1) === OggPage.segmentBytesMax) stream.unfinished.push(page.body.subarray(start, end))
  return undefined
}

const finish = (stream: OpusStream, fileBytes: number): Result.Result<OggOpusFile, UnreadableFile> => {
  if (stream.serialNumber === undefined) return otherCodec(stream.otherCodecs.join(" and ") || "nothing")
  const [headPacket, tagsPacket, ...audioPackets] = stream.packets
  if (headPacket === undefined || tagsPacket === undefined || stream.unfinished.length > 0) return cutOff(fileBytes)
  const head = OpusHead.decode(headPacket)
  if (Result.isFailure(head)) return headError(head.failure)
  if (!OpusHead.isOpusTags(tagsPacket)) return damaged("and has no comment header")
  const packets: Array<OpusPayload.OpusPacket> = []
  for (const bytes of audioPackets) {
    const packet = OpusPayload.read(bytes)
    if (Result.isFailure(packet)) return damaged(`in audio packet ${packets.length + 1}, which is not Opus`)
    packets.push(packet.success)
  }
  return Result.succeed({ head: head.success, packets })
}

const command = "ffmpeg -i INPUT -c:a libopus -frame_duration 20 OUTPUT.opus"

const notOgg = unreadable("NotThisFormat", `this is not an Ogg file; make one with: ${command}`)

const otherCodec = (held: string) =>
  unreadable("OtherCodec", `this Ogg file holds ${held}, not Opus; convert it with: ${command}`)

const cutOff = (fileBytes: number) =>
  unreadable(
    "Truncated",
    `the file ends too early, after ${fileBytes} bytes; copy it again, or save its beginning with: ${command}`
  )

const damaged = (where: string) =>
  unreadable("Damaged", `the file is damaged ${where}; copy it again, or save what is whole with: ${command}`)

const pageError = (fault: OggPage.PageFault, offset: number, fileBytes: number) => {
  switch (fault) {
    case "CutOff":
      return cutOff(fileBytes)
    case "NoPage":
      return offset === 0 ? notOgg : damaged(`at byte ${offset}: no page begins there`)
    case "WrongVersion":
      return damaged(`at byte ${offset}: the page has an unknown version`)
    case "WrongChecksum":
      return damaged(`at byte ${offset}: the checksum of the page is wrong`)
  }
}

const headError = (fault: OpusHead.HeadFault) => {
  switch (fault) {
    case "TooManyChannels":
      return unreadable(
        "OtherCodec",
        `the file has more than two channels; convert it with: ${command.replace("-c:a", "-ac 2 -c:a")}`
      )
    case "WrongVersion":
      return unreadable("OtherCodec", `the file has an unknown version of Ogg Opus; convert it with: ${command}`)
    case "NotOpusHead":
      return damaged("in its identification header")
  }
}
