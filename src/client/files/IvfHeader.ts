/**
 * The header of an IVF file: a frame list with times, as libvpx's tools read and write it. Numbers are little-endian.
 *
 *      0  "DKIF"             8  codec, 4 letters      16  timebase denominator   24  frame count
 *      4  version, 0        12  width                 20  timebase numerator     28  not used
 *      6  header length     14  height
 *
 * Each frame follows with its length (4 bytes) and its time (8 bytes).
 */
export interface IvfHeader {
  /** Four letters, "VP80". */
  readonly codec: string
  /** Pixels. */
  readonly width: number
  readonly height: number
  /** A frame's time counts steps of this many seconds: 1/30, or 1/90,000 for RTP timestamps. */
  readonly timebase: { readonly numerator: number; readonly denominator: number }
  /** Not to be relied on: some programs write the duration here, and 0 stands in a file that was not closed. */
  readonly frameCount: number
}

export const magic = "DKIF"
export const version = 0
export const headerBytes = 32
export const frameHeaderBytes = 12
/** Where a writer sets the frame count right when it closes the file. */
export const frameCountOffset = 24

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const encode = (header: IvfHeader): Uint8Array => {
  const bytes = new Uint8Array(headerBytes)
  const view = viewOf(bytes)
  bytes.set(new TextEncoder().encode(magic), 0)
  view.setUint16(4, version, true)
  view.setUint16(6, headerBytes, true)
  bytes.set(new TextEncoder().encode(header.codec).subarray(0, 4), 8)
  view.setUint16(12, header.width, true)
  view.setUint16(14, header.height, true)
  view.setUint32(16, header.timebase.denominator, true)
  view.setUint32(20, header.timebase.numerator, true)
  view.setUint32(frameCountOffset, header.frameCount, true)
  return bytes
}

/** The caller has checked the length and the first four bytes. */
export const decode = (file: Uint8Array): IvfHeader => {
  const view = viewOf(file)
  return {
    codec: String.fromCharCode(...file.subarray(8, 12)),
    width: view.getUint16(12, true),
    height: view.getUint16(14, true),
    timebase: { numerator: view.getUint32(20, true), denominator: view.getUint32(16, true) },
    frameCount: view.getUint32(frameCountOffset, true)
  }
}
