import * as IvfHeader from "./IvfHeader.ts"

/**
 * Writes an IVF file of VP8 piece by piece: `begin` and `append` return the bytes to append to the file now, `finish`
 * returns a correction. A file that is never finished can be read all the same. Owned by one recorder and changed in
 * place.
 */
export interface IvfWriter {
  readonly options: Options
  frameCount: number
}

export interface Options {
  /** Of the first key frame, see `Vp8Payload.keyFrameSize`. Pixels. */
  readonly width: number
  readonly height: number
  /** One step of a frame's time. RTP timestamps have 1/90,000. Seconds. */
  readonly timebase: { readonly numerator: number; readonly denominator: number }
}

/** Bytes to write over what is there. */
export interface Correction {
  readonly offset: number
  readonly bytes: Uint8Array
}

export const make = (options: Options): IvfWriter => ({ options, frameCount: 0 })

export const begin = (self: IvfWriter): Uint8Array =>
  IvfHeader.encode({ codec: "VP80", ...self.options, frameCount: 0 })

/** `time` in steps of the timebase, from 0 and rising: RTP timestamps must have been unwrapped. */
export const append = (self: IvfWriter, frame: { readonly bytes: Uint8Array; readonly time: number }): Uint8Array => {
  const bytes = new Uint8Array(IvfHeader.frameHeaderBytes + frame.bytes.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, frame.bytes.length, true)
  view.setBigUint64(4, BigInt(frame.time), true)
  bytes.set(frame.bytes, IvfHeader.frameHeaderBytes)
  self.frameCount++
  return bytes
}

/** Sets the frame count right. */
export const finish = (self: IvfWriter): Correction => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, self.frameCount, true)
  return { offset: IvfHeader.frameCountOffset, bytes }
}
