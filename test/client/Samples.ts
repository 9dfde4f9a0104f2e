import { Arbitrary, Result, Schema } from "effect"
import * as Fs from "node:fs"
import * as IvfReader from "../../src/client/files/IvfReader.ts"
import * as OggOpusReader from "../../src/client/files/OggOpusReader.ts"

const sample = (name: string): Uint8Array =>
  new Uint8Array(Fs.readFileSync(new URL(`../../samples/${name}`, import.meta.url)))

export const speechFile: Uint8Array = sample("speech.opus")
export const videoFile: Uint8Array = sample("video.ivf")
/** The same pictures in a smaller size. */
export const videoFileOf = (heightPixels: 90 | 180): Uint8Array => sample(`video-${heightPixels}.ivf`)

/** Ten seconds of speech: 501 packets of 20 ms. */
export const speech = Result.getOrThrow(OggOpusReader.read(speechFile))
/** Ten seconds of moving picture: 300 frames. */
export const video = Result.getOrThrow(IvfReader.read(videoFile))

/** For `it.prop`: by default, drawn lists and byte strings have ten elements at most. */
export const sized = (size: number) => ({ arbitrary: { size } })

/** An integer from `minimum` to `maximum`, both of them too. */
export const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum }))).pipe(Arbitrary.map((n) => n + 0))

/** Bytes that look random and are always the same: frames and payloads whose content does not matter. */
export const bytesOf = (length: number, seed: number): Uint8Array => {
  let state = (seed * 2_654_435_761 + 1) >>> 0
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

/** The bytes with one bit turned over. */
export const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

export const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))
