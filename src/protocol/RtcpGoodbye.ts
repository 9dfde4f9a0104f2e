import * as ByteFields from "./ByteFields.ts"
import { padded, PacketType, prepend } from "./RtcpHeader.ts"

/** These sources send no more, RFC 3550 section 6.6. */
export interface Goodbye {
  readonly _tag: "Goodbye"
  readonly ssrcs: ReadonlyArray<number>
  /** `undefined`: none was given, or it is not UTF-8. At most 255 bytes; what is longer is cut. */
  readonly reason: string | undefined
}

const ssrcBytes = 4
const reasonBytesMax = 255

/** What follows the header; `undefined` when SSRCs and reason do not fill it exactly. */
export const readGoodbye = (body: Uint8Array, count: number): Goodbye | undefined => {
  const reasonAt = ssrcBytes * count
  if (body.length < reasonAt) return undefined
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const ssrcs = Array.from({ length: count }, (_, i) => view.getUint32(ssrcBytes * i))
  const reasonBytes = body[reasonAt]
  if (reasonBytes === undefined) return { _tag: "Goodbye", ssrcs, reason: undefined }
  const reasonEnd = reasonAt + 1 + reasonBytes
  if (((reasonEnd + 3) & ~3) !== body.length) return undefined
  return { _tag: "Goodbye", ssrcs, reason: ByteFields.textOf(body.subarray(reasonAt + 1, reasonEnd)) }
}

export const encodeGoodbye = ({ reason, ssrcs }: Goodbye): Uint8Array =>
  prepend(
    ssrcs.length,
    PacketType.Goodbye,
    ...ssrcs.map(ByteFields.u32),
    ...(reason === undefined ? [] : [padded(ByteFields.prefixed(reason, reasonBytesMax))])
  )
