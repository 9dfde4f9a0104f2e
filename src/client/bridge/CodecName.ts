/**
 * Codecs are known in a call by one lower-case word, "vp8" or "opus", with the channels behind it if they are not the usual
 * ones, "l16/2". Programs know them by their rtpmap, RFC 8866 section 6.6: "VP8/90000", "opus/48000/2".
 */

const opus = "opus"
/** RFC 7587 section 7: Opus says 2, whatever it carries. */
const opusChannels = 2

/** The word for an encoding name and its channels; `undefined`: one, or what the codec always has. */
export const of = (encodingName: string, channels: number | undefined): string => {
  const name = encodingName.toLowerCase()
  return channels === undefined || channels === 1 || name === opus ? name : `${name}/${channels}`
}

/** Letters and signs that all registered names keep to; with others than these a shell may do something. */
const regular = /^([a-z0-9][a-z0-9_.+-]*)(?:\/([1-9]\d?))?$/

/** Whether it is such a word: a roster says what its participants have said. */
export const isRegular = (codec: string): boolean => regular.test(codec)

/** As RTP payload formats are registered: upper case, but for Opus. */
export const encodingNameOf = (codec: string): string => {
  const name = regular.exec(codec)?.[1] ?? codec
  return name === opus ? name : name.toUpperCase()
}

const channelsOf = (codec: string): number => {
  const [, name, channels = 1] = regular.exec(codec) ?? []
  return name === opus ? opusChannels : Number(channels)
}

export const rtpmapOf = (codec: string, clockRate: number): string => {
  const channels = channelsOf(codec)
  return `${encodingNameOf(codec)}/${clockRate}${channels === 1 ? "" : `/${channels}`}`
}
