import { Result } from "effect"
import * as Vp8Payload from "../payload/Vp8Payload.ts"
import { startsWith } from "./FileMagic.ts"
import * as IvfHeader from "./IvfHeader.ts"
import { unreadable, type UnreadableFile } from "./UnreadableFile.ts"

export interface IvfFrame {
  /** A part of the file, not copied. */
  readonly bytes: Uint8Array
  /** In steps of the timebase. */
  readonly time: number
  readonly keyFrame: boolean
}

export interface IvfFile {
  readonly header: IvfHeader.IvfHeader
  readonly frames: ReadonlyArray<IvfFrame>
}

/**
 * Reads a whole IVF file of VP8. One that was not closed, because a recorder was killed, but ends with a whole frame is
 * read as far as it goes; one that ends within a frame is refused.
 */
export const read = (file: Uint8Array): Result.Result<IvfFile, UnreadableFile> => {
  const isCutInMagic = file.length > 0 && IvfHeader.magic.startsWith(String.fromCharCode(...file.subarray(0, 4)))
  if (!startsWith(file, IvfHeader.magic) && !isCutInMagic) return notIvf
  if (file.length < IvfHeader.headerBytes) return cutOff(file.length)
  const header = IvfHeader.decode(file)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const headerBytes = view.getUint16(6, true)
  if (header.codec !== "VP80") return otherCodec(header.codec)
  if (view.getUint16(4, true) !== IvfHeader.version) return damaged("its header has an unknown version")
  if (headerBytes < IvfHeader.headerBytes) return damaged("its header has a wrong length")
  if (header.timebase.denominator === 0 || header.timebase.numerator === 0) return damaged("its timebase is zero")

  const frames: Array<IvfFrame> = []
  let offset = headerBytes
  while (offset < file.length) {
    const start = offset + IvfHeader.frameHeaderBytes
    if (start > file.length) return cutOff(file.length)
    const end = start + view.getUint32(offset, true)
    const time = Number(view.getBigUint64(offset + 4, true))
    if (!Number.isSafeInteger(time)) return damaged(`frame ${frames.length + 1} has an impossible time`)
    const bytes = file.subarray(start, end)
    frames.push({ bytes, time, keyFrame: Vp8Payload.isKeyFrame(bytes) })
    offset = end
  }
  return offset > file.length ? cutOff(file.length) : Result.succeed({ header, frames })
}

const command = "ffmpeg -i INPUT -an -c:v libvpx -g 30 -auto-alt-ref 0 OUTPUT.ivf"

const notIvf = unreadable("NotThisFormat", `this is not an IVF file; make one with: ${command}`)

/** The codec is shown as it stands but for letters that could disturb a terminal. */
const otherCodec = (codec: string) =>
  unreadable(
    "OtherCodec",
    `this IVF file holds ${codec.replaceAll(/[^ -~]/g, "?")}, expected VP80; convert it with: ${command}`
  )

const cutOff = (fileBytes: number) =>
  unreadable(
    "Truncated",
    `the file ends too early, after ${fileBytes} bytes; copy it again, or save its beginning with: ${command}`
  )

const damaged = (what: string) =>
  unreadable("Damaged", `the file is damaged: ${what}; copy it again, or make it anew with: ${command}`)
