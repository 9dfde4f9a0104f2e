import type { StreamDescription } from "./StreamDescription.ts"

/** Streams of one participant that show the same picture, the lowest layer first; or one stream alone. */
export type StreamSource = readonly [StreamDescription, ...ReadonlyArray<StreamDescription>]

/** The streams of one participant by source, in the order in which the sources are named first. */
export const sourcesOf = (streams: ReadonlyArray<StreamDescription>): ReadonlyArray<StreamSource> => {
  const sources: Array<[StreamDescription, ...Array<StreamDescription>]> = []
  for (const stream of streams) {
    const source = stream.simulcast?.source
    const known = source === undefined ? undefined : sources.find(([first]) => first.simulcast?.source === source)
    if (known === undefined) sources.push([stream])
    else known.push(stream)
  }
  for (const source of sources) source.sort((a, b) => layerOf(a) - layerOf(b))
  return sources
}

const layerOf = ({ simulcast }: StreamDescription): number => simulcast?.layer ?? 0

/** Why these cannot be the streams of one participant; `undefined` when they can. */
export const problemOf = (streams: ReadonlyArray<StreamDescription>): string | undefined => {
  for (const source of sourcesOf(streams)) {
    for (const [index, stream] of source.entries()) {
      const { clockRate, codec, kind, simulcast, ssrc } = stream
      if (simulcast === undefined) continue
      if (kind !== "video") return `the stream ${ssrc} is audio: only video has simulcast layers`
      const named = `source ${simulcast.source}`
      const before = source[index - 1]
      if (before === undefined) continue
      if (layerOf(before) === simulcast.layer) return `${named} has two streams for its layer ${simulcast.layer}`
      if (before.clockRate !== clockRate || before.codec !== codec) {
        return `the layers of ${named} differ in codec or clock rate`
      }
    }
  }
  return undefined
}
