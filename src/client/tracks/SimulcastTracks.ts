import { Result, Schema } from "effect"
import type { MediaTrack } from "./MediaTrack.ts"

/** These tracks do not show one picture in several sizes. */
export class UnlikeLayers extends Schema.TaggedError<UnlikeLayers>()("UnlikeLayers", { message: Schema.String }) {}

/** A track, and what to call it in messages: the path of its file. */
export interface NamedTrack {
  readonly name: string
  readonly track: MediaTrack
}

/** Files make one picture. */
const source = 0
/** What a layer's maximum rate can say, docs/protocol.md, STREAM. Thousands of bits a second. */
const kbpsMax = 0xffff

/**
 * Video of the same pictures as the layers of one source, the lowest first. `highest` is the highest; the others, in any order,
 * have fewer pixels each, and as many frames at the same times.
 */
export const of = (
  highest: NamedTrack,
  others: ReadonlyArray<NamedTrack>
): Result.Result<ReadonlyArray<MediaTrack>, UnlikeLayers> => {
  const falling = others.toSorted((a, b) => b.track.heightPixels - a.track.heightPixels)
  const problem = falling.map((lower, index) => problemOf(falling[index - 1] ?? highest, lower)).find(Boolean)
  if (problem !== undefined) return Result.fail(new UnlikeLayers({ message: problem }))
  const rising = [highest, ...falling].toReversed()
  return Result.succeed(rising.map(({ track }, layer) => asLayer(track, layer)))
}

const asLayer = (track: MediaTrack, layer: number): MediaTrack => {
  const { heightPixels } = track
  const kbps = peakKbps(track)
  // It is sent as it is, or not at all.
  return { ...track, simulcast: { source, layer, heightPixels, maxKbps: kbps, minKbps: kbps } }
}

/** Why the second cannot be the layer below the first. */
const problemOf = (above: NamedTrack, below: NamedTrack): string | undefined => {
  const [a, b] = [above.track, below.track]
  if (b.heightPixels >= a.heightPixels) {
    return `${below.name} is ${b.heightPixels} pixels high and ${above.name} ${a.heightPixels}: each layer has to be smaller than the one above`
  }
  if (b.frames.length !== a.frames.length) {
    return `${below.name} has ${b.frames.length} frames and ${above.name} ${a.frames.length}: layers have to be of the same pictures`
  }
  const apart = b.frames.findIndex(({ ticks }, index) => ticks !== a.frames[index]!.ticks)
  if (apart < 0) return undefined
  const at = ({ frames }: MediaTrack) => `${frames[apart]!.timeMs.toFixed(1)} ms`
  return `frame ${apart + 1} is at ${at(b)} in ${below.name} and at ${at(a)} in ${above.name}: layers have to have the same frame rate`
}

/** The most that comes due within one second. Thousands of bits a second. */
const peakKbps = ({ clockRate, frames }: MediaTrack): number => {
  let bytesWithin = 0
  let bytesMax = 0
  let oldest = 0
  for (const { bytes, ticks } of frames) {
    bytesWithin += bytes.length
    while (frames[oldest]!.ticks <= ticks - clockRate) bytesWithin -= frames[oldest++]!.bytes.length
    bytesMax = Math.max(bytesMax, bytesWithin)
  }
  return Math.min(kbpsMax, Math.ceil((8 * bytesMax) / 1000))
}
