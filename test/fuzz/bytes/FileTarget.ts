import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as IvfHeader from "../../../src/client/files/IvfHeader.ts"
import * as IvfReader from "../../../src/client/files/IvfReader.ts"
import * as IvfWriter from "../../../src/client/files/IvfWriter.ts"
import * as OggOpusReader from "../../../src/client/files/OggOpusReader.ts"
import * as OggOpusWriter from "../../../src/client/files/OggOpusWriter.ts"
import * as OggPage from "../../../src/client/files/OggPage.ts"
import type { UnreadableFile } from "../../../src/client/files/UnreadableFile.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, digest, hold, show } from "../Target.ts"
import { concat, mutate } from "./Mutation.ts"

/** Opus packets of 20 ms: a TOC byte and anything behind it. */
const opusPackets = [0x78, 0x79, 0x7b].map((toc, n) => {
  const bytes = Uint8Array.from({ length: [40, 255, 600][n]! }, (_, at) => (at === 0 ? toc : at === 1 ? 2 : at & 0xff))
  return { bytes, durationSamples: n === 0 ? 960 : 1920 }
})

const oggFile = (): Uint8Array => {
  const writer = OggOpusWriter.make({ serialNumber: 0x7a6f6c, channels: 2, preSkipSamples: 312 })
  const begin = OggOpusWriter.begin(writer)
  const pages = opusPackets.flatMap((packet, n) => [OggOpusWriter.append(writer, packet, n * 240)])
  return concat(begin, ...pages, OggOpusWriter.finish(writer))
}

const keyFrame = Uint8Array.of(0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 1, 2, 3)

const ivfFile = (): Uint8Array => {
  const writer = IvfWriter.make({ width: 320, height: 240, timebase: { numerator: 1, denominator: 30 } })
  const frames = [keyFrame, Uint8Array.of(0x11, 1, 2), new Uint8Array(0)]
  return concat(IvfWriter.begin(writer), ...frames.map((bytes, time) => IvfWriter.append(writer, { bytes, time })))
}

const ogg = oggFile()
const ivf = ivfFile()

const checkFailure = ({ message }: UnreadableFile): void =>
  hold(!/[^ -~]/.test(message), "a message for people is one line of plain text", () => show(message))

const checkOgg = (bytes: Uint8Array): void => {
  const file = OggOpusReader.read(bytes)
  if (Result.isFailure(file)) return checkFailure(file.failure)
  const { head, packets } = file.success
  const { channels, preSkipSamples } = head
  hold(channels === 1 || channels === 2, "one channel or two")
  const writer = OggOpusWriter.make({ serialNumber: 1, channels, preSkipSamples })
  const pages = [OggOpusWriter.begin(writer), ...packets.map((packet) => OggOpusWriter.append(writer, packet, 0))]
  const again = OggOpusReader.read(concat(...pages, OggOpusWriter.finish(writer)))
  hold(Result.isSuccess(again), "what is written is read", () => show(again))
  const contentOf = (read: OggOpusReader.OggOpusFile) =>
    read.packets.map(({ bytes, durationSamples }) => [bytes.join(), durationSamples])
  hold(isDeepStrictEqual(contentOf(again.success), contentOf(file.success)), "what is read again is the same")
}

const checkIvf = (bytes: Uint8Array): void => {
  const file = IvfReader.read(bytes)
  if (Result.isFailure(file)) return checkFailure(file.failure)
  const { frames, header } = file.success
  const writer = IvfWriter.make(header)
  const written = frames.map(({ bytes, time }) => IvfWriter.append(writer, { bytes, time }))
  const whole = concat(IvfWriter.begin(writer), ...written)
  const { bytes: correction, offset } = IvfWriter.finish(writer)
  whole.set(correction, offset)
  const again = IvfReader.read(whole)
  hold(Result.isSuccess(again), "what is written is read", () => show(again))
  hold(
    isDeepStrictEqual(again.success.header, { ...header, frameCount: frames.length }),
    "the header is the same",
    () => show([header, again.success.header])
  )
  const contentOf = (read: IvfReader.IvfFile) =>
    read.frames.map(({ bytes, keyFrame, time }) => [bytes.join(), time, keyFrame])
  hold(isDeepStrictEqual(contentOf(again.success), contentOf(file.success)), "what is read again is the same")
}

/** Sets the checksums of all pages right that are still found, so that mutations get behind them. */
const withChecksums = (file: Uint8Array): Uint8Array => {
  const pieces: Array<Uint8Array> = []
  let offset = 0
  while (offset + 27 <= file.length) {
    const lacing = file.slice(offset + 27, offset + 27 + file[offset + 26]!)
    const bodyAt = offset + 27 + lacing.length
    const end = bodyAt + lacing.reduce((sum, length) => sum + length, 0)
    const view = new DataView(file.buffer, file.byteOffset + offset, 27)
    const flags = view.getUint8(5)
    pieces.push(
      OggPage.encode({
        continued: (flags & 1) !== 0,
        beginsStream: (flags & 2) !== 0,
        endsStream: (flags & 4) !== 0,
        granulePosition: view.getBigInt64(6, true),
        serialNumber: view.getUint32(14, true),
        sequenceNumber: view.getUint32(18, true),
        lacing,
        body: file.slice(bodyAt, end)
      })
    )
    offset = Math.max(end, offset + 27)
  }
  return concat(...pieces, file.subarray(Math.min(offset, file.length)))
}

/** The 32 bytes of an IVF header are too few to be hit often enough among those of its frames. */
const mutateHeader = (draw: Dice.Dice, file: Uint8Array): Uint8Array =>
  concat(mutate(draw, file.subarray(0, IvfHeader.headerBytes), [file]), file.subarray(IvfHeader.headerBytes))

const make = (name: string, about: string, draw: (draw: Dice.Dice) => Uint8Array, check: (file: Uint8Array) => void) =>
  define({
    name,
    about,
    smokeCases: 400,
    draw,
    check,
    smaller: Smaller.byteStrings,
    show: (file) => `${file.length} bytes, sha256 ${digest(file)}: ${hexOf(file.subarray(0, 2000))}`
  })

const aboutFiles = "nothing throws, what is read is written and read alike, what is not is said in one line"

export const oggFiles = make(
  "ogg-files",
  `Ogg Opus files: ${aboutFiles}`,
  (draw) => {
    const file = mutate(draw, ogg, [ogg, ivf])
    return Dice.chance(draw, 0.8) ? withChecksums(file) : file
  },
  checkOgg
)

export const ivfFiles = make(
  "ivf-files",
  `IVF files: ${aboutFiles}`,
  (draw) => (Dice.chance(draw, 0.3) ? mutateHeader(draw, ivf) : mutate(draw, ivf, [ivf, ogg])),
  checkIvf
)
