import * as Samples from "../Samples.ts"
import * as GroupReport from "./GroupReport.ts"
import type { VideoScenario } from "./VideoScenarios.ts"
import type * as VideoRun from "./VideoRun.ts"

/** What groups with cameras showed. Plain data; rates with all headers. All but `downlinkKbps`, `beginning` and who was heard is of the time after the beginning. */
export interface VideoReport extends GroupReport.GroupsReport {
  readonly durationMs: number
  /**
   * Mean over the receivers with good paths, and with poor ones, of what they were shown: of each second and each wish
   * weight * log2(1 + kbit/s / 50). `null`: there are none.
   */
  readonly videoQuality: { readonly good: number; readonly poor: number | null }
  /** What the good ones were shown, of what the same ones are shown where all paths are good. `null`: there is no such pair. */
  readonly qualityOfPair: number | null
  /** Wanted and promised pictures that stood still for more than a second; of each receiver. */
  readonly freezesPerMinute: number
  /** Of the slowest call. */
  readonly allocationMicros: { readonly p50: number; readonly p99: number }
  /** By relays, of all cameras together; and those of layers that are off, as they have been told to be. */
  readonly keyFramesAsked: number
  readonly keyFramesAskedOfOff: number
  /** From the wish to the first frame, of wishes in the course of the call. Milliseconds. */
  readonly pictureAfterMs: GroupReport.Quantiles
  readonly audioStreams: VideoRun.AudioStreams
  readonly receivers: { readonly good: Receivers; readonly poor: Receivers | null }
  readonly poorPaths: ReadonlyArray<PoorPath>
}

/** Of each receiver, mean. */
export interface Receivers {
  readonly freezesPerMinute: number
  /** Wanted pictures that were not given for more than a second, for lack of room. */
  readonly pausesPerMinute: { readonly byOwner: number; readonly byRelay: number }
  readonly audio: Audio
  /** The same call with all cameras off; `null`: it was not run. */
  readonly audioWithoutVideo: Audio | null
}

/** What of audio's packets was lost on the paths to devices, and pieces of 150 ms or more that had to be made up. */
export interface Audio {
  readonly lossRatio: number
  readonly lossRatioBeginning: number
  readonly stallsPerMinute: number
}

export interface PoorPath {
  readonly linkKbps: number
  readonly sentKbps: number
  readonly sentKbpsBeginning: number
}

/** `silent`: the same calls with cameras off, none: they were not run. `pair`: the report of the pair's calls. */
export const of = (
  scenario: VideoScenario,
  seen: ReadonlyArray<VideoRun.Seen>,
  silent: ReadonlyArray<VideoRun.Seen>,
  pair: ReadonlyArray<VideoRun.Seen>
): VideoReport => {
  const { durationMs, settleMs } = scenario
  const all = seen.flatMap(({ viewers }) => viewers)
  const good = all.filter(({ isPoor }) => !isPoor)
  const poor = all.filter(({ isPoor }) => isPoor)
  const areGood = new Set(good.map(({ viewer }) => viewer.device))
  const same = pair.flatMap(({ viewers }) => viewers.filter(({ viewer }) => areGood.has(viewer.device)))
  const silentGood = silent.flatMap(({ viewers }) => viewers.filter(({ isPoor }) => !isPoor))
  const silentPoor = silent.flatMap(({ viewers }) => viewers.filter(({ isPoor }) => isPoor))
  const minutes = (durationMs - settleMs) / 60_000
  return {
    ...GroupReport.reportOf(scenario, seen, durationMs),
    durationMs,
    videoQuality: {
      good: GroupReport.rounded(qualityOf(good)),
      poor: poor.length === 0 ? null : GroupReport.rounded(qualityOf(poor))
    },
    qualityOfPair: same.length === 0 ? null : fine(qualityOf(good) / qualityOf(same)),
    freezesPerMinute: GroupReport.rounded(GroupReport.mean(all.map(({ viewer }) => viewer.freezes)) / minutes),
    allocationMicros: { p50: microsOf(seen, 0.5), p99: microsOf(seen, 0.99) },
    keyFramesAsked: GroupReport.sum(seen.map(({ keyFramesAsked }) => keyFramesAsked)),
    keyFramesAskedOfOff: GroupReport.sum(seen.map(({ keyFramesAskedOfOff }) => keyFramesAskedOfOff)),
    pictureAfterMs: GroupReport.quantilesOf(all.flatMap(({ viewer }) => viewer.picturesAfterMs)),
    audioStreams: {
      plannedMax: Math.max(...seen.map(({ audioStreams }) => audioStreams.plannedMax)),
      max: Math.max(...seen.map(({ audioStreams }) => audioStreams.max))
    },
    receivers: {
      good: receiversOf(good, silentGood, minutes),
      poor: poor.length === 0 ? null : receiversOf(poor, silentPoor, minutes)
    },
    poorPaths: scenario.poorKbps.map((linkKbps) => {
      const same = poor.filter(({ linkBps }) => linkBps === linkKbps * 1000)
      return {
        linkKbps,
        sentKbps: Math.round(GroupReport.mean(same.map(({ settled }) => settled.bps)) / 1000),
        sentKbpsBeginning: Math.round(GroupReport.mean(same.map(({ beginning }) => beginning.bps)) / 1000)
      }
    })
  }
}

const microsOf = (seen: ReadonlyArray<VideoRun.Seen>, share: number): number =>
  Math.round(Math.max(...seen.map(({ allocationMicros }) => Samples.quantile(allocationMicros, share))))

const qualityOf = (seeing: ReadonlyArray<VideoRun.Seeing>): number =>
  GroupReport.mean(seeing.map(({ viewer: { utility, wishSeconds } }) => utility / Math.max(1, wishSeconds)))

const receiversOf = (
  seeing: ReadonlyArray<VideoRun.Seeing>,
  silent: ReadonlyArray<VideoRun.Seeing>,
  minutes: number
): Receivers => {
  const perMinute = (countOf: (each: VideoRun.Seeing) => number) =>
    GroupReport.rounded(GroupReport.mean(seeing.map(countOf)) / minutes)
  return {
    freezesPerMinute: perMinute(({ viewer }) => viewer.freezes),
    pausesPerMinute: {
      byOwner: perMinute(({ viewer }) => viewer.pauses.byOwner),
      byRelay: perMinute(({ viewer }) => viewer.pauses.byRelay)
    },
    audio: audioOf(seeing, minutes),
    audioWithoutVideo: silent.length === 0 ? null : audioOf(silent, minutes)
  }
}

const audioOf = (seeing: ReadonlyArray<VideoRun.Seeing>, minutes: number): Audio => ({
  lossRatio: lossRatioOf(seeing.map(({ settled }) => settled)),
  lossRatioBeginning: lossRatioOf(seeing.map(({ beginning }) => beginning)),
  stallsPerMinute: GroupReport.rounded(GroupReport.mean(seeing.map(({ audioStalls }) => audioStalls)) / minutes)
})

const lossRatioOf = (sent: ReadonlyArray<VideoRun.Sent>): number => {
  const packets = GroupReport.sum(sent.map(({ audioPackets }) => audioPackets))
  return fine(GroupReport.sum(sent.map(({ audioPacketsLost }) => audioPacketsLost)) / Math.max(1, packets))
}

const fine = (share: number): number => Math.round(share * 10_000) / 10_000
