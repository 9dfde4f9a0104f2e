import { Schema } from "effect"
import * as DemoRelay from "./DemoRelay.ts"
import type { Observed } from "./GroupParticipant.ts"
import { startOf, type Turn } from "./GroupTalk.ts"

/** Who talked when, and what came of it at the others. */
const TurnReport = Schema.Struct({
  speaker: Schema.String,
  fromMs: Schema.Finite,
  untilMs: Schema.Finite,
  /** How many of the others have heard anything of it. */
  heardBy: Schema.Int,
  /** Of its audio, of all others together. Share. */
  heardShare: Schema.Finite,
  /** What was missing at its beginning, at who missed most. Milliseconds. */
  firstWordCutMs: Schema.Finite
})

/** What `tandem demo --group N` prints with --json. */
export const GroupReport = Schema.Struct({
  participants: Schema.Int,
  /** Of whom each has seen the video. */
  watched: Schema.Int,
  turns: Schema.Array(TurnReport),
  /** Of others, heard by one participant within the same 20 ms of the talk. */
  audioAtOnceMax: Schema.Int,
  /** The same on average, while turns are taken. */
  audioAtOnceMean: Schema.Finite,
  /** Payloads of one participant, on average. Thousands of bits a second. */
  downlinkKbps: Schema.Finite,
  /** The same when everybody gets everything that is sent. */
  everythingKbps: Schema.Finite,
  downlinkShare: Schema.Finite,
  /** How often somebody was shown another size of a picture. */
  layerSwitches: Schema.Int,
  pictures: Schema.Array(Schema.Struct({ heightPixels: Schema.Int, share: Schema.Finite })),
  relay: DemoRelay.RelayWork
})
export type GroupReport = typeof GroupReport.Type

export interface Evidence {
  /** In the order of their numbers in the turns. */
  readonly participants: ReadonlyArray<Observed>
  readonly watched: number
  readonly turns: ReadonlyArray<Turn>
  readonly durationMs: number
  readonly relay: DemoRelay.RelayWork
}

/** RTP timestamp ticks of Opus, and of one of its packets. */
const ticksPerMs = 48
const frameMs = 20

export const make = ({ durationMs, participants, relay, turns, watched }: Evidence): GroupReport => {
  const count = participants.length
  const sentBytes = sum(participants.map((one) => one.sentBytes))
  const everythingKbps = kbpsOf((sentBytes * (count - 1)) / count, durationMs)
  const downlinkKbps = kbpsOf(sum(participants.map((one) => one.receivedBytes)) / count, durationMs)
  const framesOf = participants.map((listener) => heardFrames(listener, participants))
  const atOnce = framesOf.flatMap((frames) => heardAtOnce(frames, turns))
  const pictures = new Map<number, number>()
  for (const { picturesByHeight } of participants) {
    for (const [height, shown] of picturesByHeight) pictures.set(height, (pictures.get(height) ?? 0) + shown)
  }
  const shown = Math.max(1, sum([...pictures.values()]))
  return {
    participants: count,
    watched,
    turns: turns.map((turn) => turnReport(turn, participants, framesOf)),
    audioAtOnceMax: Math.max(...atOnce),
    audioAtOnceMean: rounded(sum(atOnce) / Math.max(1, atOnce.length), 10),
    downlinkKbps,
    everythingKbps,
    downlinkShare: rounded(downlinkKbps / Math.max(1, everythingKbps), 1000),
    layerSwitches: sum(participants.map(({ switches }) => switches)),
    pictures: [...pictures]
      .sort(([a], [b]) => a - b)
      .map(([heightPixels, frames]) => ({ heightPixels, share: rounded(frames / shown, 1000) })),
    relay
  }
}

/** Of each other participant: when in the talk the frames began that one has heard, in units of 20 ms. */
const heardFrames = ({ heard }: Observed, participants: ReadonlyArray<Observed>): ReadonlyArray<ReadonlySet<number>> =>
  participants.map(({ audioSsrc, firstAudioTimestamp }, n) => {
    const startMs = startOf(n, participants.length)
    const timestamps = heard.get(audioSsrc) ?? []
    return new Set(
      timestamps.map((timestamp) =>
        Math.floor((startMs + ((timestamp - firstAudioTimestamp) >>> 0) / ticksPerMs) / frameMs)
      )
    )
  })

const turnReport = (
  { fromMs, speaker, untilMs }: Turn,
  participants: ReadonlyArray<Observed>,
  framesOf: ReadonlyArray<ReadonlyArray<ReadonlySet<number>>>
) => {
  const first = Math.ceil(fromMs / frameMs)
  const frames = Array.from({ length: Math.floor(untilMs / frameMs) - first }, (_, n) => first + n)
  const heard = framesOf.flatMap((of, listener) =>
    listener === speaker ? [] : [frames.map((frame) => of[speaker]!.has(frame))]
  )
  const cuts = heard.map((whether) => (whether.includes(true) ? whether.indexOf(true) : frames.length))
  return {
    speaker: participants[speaker]!.name,
    fromMs,
    untilMs,
    heardBy: heard.filter((whether) => whether.includes(true)).length,
    heardShare: rounded(sum(heard.flat().map(Number)) / Math.max(1, heard.length * frames.length), 1000),
    firstWordCutMs: frameMs * Math.max(0, ...cuts)
  }
}

/** How many others one has heard in each 20 ms from the first turn to the end of the last. */
const heardAtOnce = (frames: ReadonlyArray<ReadonlySet<number>>, turns: ReadonlyArray<Turn>): ReadonlyArray<number> => {
  const first = Math.ceil((turns[0]?.fromMs ?? 0) / frameMs)
  const last = Math.floor((turns.at(-1)?.untilMs ?? 0) / frameMs)
  return Array.from({ length: last - first }, (_, n) => frames.filter((ofOne) => ofOne.has(first + n)).length)
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)
const rounded = (value: number, parts: number): number => Math.round(value * parts) / parts
const kbpsOf = (bytes: number, durationMs: number): number => Math.round((8 * bytes) / durationMs)

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** The same for people. */
export const format = (report: GroupReport): string => {
  const { audioAtOnceMax, audioAtOnceMean, layerSwitches, participants, pictures } = report
  const { downlinkKbps, downlinkShare, everythingKbps } = report
  const seconds = (ms: number) => (ms / 1000).toFixed(1)
  const turns = report.turns.map(
    ({ firstWordCutMs, fromMs, heardBy, heardShare, speaker, untilMs }) =>
      `${seconds(fromMs)} to ${seconds(untilMs)} s: ${speaker} talks, heard by ${heardBy} of ${participants - 1}, ` +
      `${percent(heardShare)} of it; at most ${firstWordCutMs} ms missing at its beginning`
  )
  const sizes = pictures.map(({ heightPixels, share }) => `${percent(share)} with ${heightPixels}`).join(", ")
  return [
    ...turns,
    "",
    `at most ${audioAtOnceMax} of ${participants - 1} others were heard at once, on average ${audioAtOnceMean}`,
    `each has seen ${report.watched} others: ${sizes} lines; ${layerSwitches} switches of layers in all`,
    `each has received ${downlinkKbps} kbit/s, ${percent(downlinkShare)} of the ${everythingKbps} that everything is`,
    DemoRelay.formatWork(report.relay)
  ].join("\n")
}
