import * as ByteFields from "./ByteFields.ts"
import { PacketType, padded, prepend } from "./RtcpHeader.ts"

/** Who is behind an SSRC, RFC 3550 section 6.5. Of its items only the CNAME is read and written. */
export interface SourceDescription {
  readonly _tag: "SourceDescription"
  readonly chunks: ReadonlyArray<SourceDescriptionChunk>
}

export interface SourceDescriptionChunk {
  readonly ssrc: number
  /**
   * The same for all streams of one sender, which is how players know what to keep in step. `undefined`: there is none, or
   * it is not UTF-8. At most 255 bytes; what is longer is cut.
   */
  readonly cname: string | undefined
}

const ItemType = { End: 0, Cname: 1 } as const
const textBytesMax = 255
const ssrcBytes = 4
/** Type and length. */
const itemHeaderBytes = 2

/** What follows the header; `undefined` when the chunks do not fill it exactly. */
export const readSourceDescription = (body: Uint8Array, count: number): SourceDescription | undefined => {
  const chunks: Array<SourceDescriptionChunk> = []
  let at = 0
  for (let i = 0; i < count; i++) {
    const end = chunkEnd(body, at)
    if (end < 0) return undefined
    chunks.push(readChunk(body.subarray(at, end)))
    at = end
  }
  return at === body.length ? { _tag: "SourceDescription", chunks } : undefined
}

/** Behind the items there is a zero at least, and more of them up to the next multiple of 4. -1: it has no end. */
const chunkEnd = (body: Uint8Array, offset: number): number => {
  let at = offset + ssrcBytes
  while (at < body.length) {
    if (body[at] === ItemType.End) return (at + 4) & ~3
    at += itemHeaderBytes + (body[at + 1] ?? 0)
  }
  return -1
}

/** The chunk has an end. */
const readChunk = (chunk: Uint8Array): SourceDescriptionChunk => {
  let cname: string | undefined
  let at = ssrcBytes
  while (chunk[at] !== ItemType.End) {
    const text = at + itemHeaderBytes
    const next = text + chunk[at + 1]!
    if (chunk[at] === ItemType.Cname) cname = ByteFields.textOf(chunk.subarray(text, next))
    at = next
  }
  return { ssrc: new DataView(chunk.buffer, chunk.byteOffset).getUint32(0), cname }
}

export const encodeSourceDescription = ({ chunks }: SourceDescription): Uint8Array =>
  prepend(chunks.length, PacketType.SourceDescription, ...chunks.map(encodeChunk))

const encodeChunk = ({ cname, ssrc }: SourceDescriptionChunk): Uint8Array => {
  const name = cname === undefined ? [] : [ByteFields.u8(ItemType.Cname), ByteFields.prefixed(cname, textBytesMax)]
  return padded(ByteFields.u32(ssrc), ...name, ByteFields.u8(ItemType.End))
}
