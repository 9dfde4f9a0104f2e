import type { AudioWait, GroupReport, Heard } from "../simulation/GroupRun.ts"
import type { Quantiles } from "../simulation/groups/GroupReport.ts"
import { type Groups, videoSeedsMax } from "../simulation/groups/GroupsRun.ts"
import type { VideoReport } from "../simulation/groups/VideoReport.ts"
import type { Claim } from "../simulation/published/Claim.ts"
import type * as RepairEfficiency from "../simulation/RepairEfficiency.ts"
import type * as ScenarioReport from "../simulation/ScenarioReport.ts"
import * as Table from "./Table.ts"

/** What a simulation has found, for people. */

export const list = (scenarios: ReadonlyArray<{ readonly name: string; readonly title: string }>): string =>
  Table.format(
    [
      { title: "scenario", cell: ({ name }) => name },
      { title: "", cell: ({ title }) => title }
    ],
    scenarios
  )

export const claims = (measured: ReadonlyArray<Claim>, calls: number): string =>
  [
    `change in percent, mean of ${calls} calls with its 95 % interval:`,
    "",
    Table.format(
      [
        { title: "expected", cell: ({ expected }) => expected },
        { title: "measured", cell: ({ measured }) => Number(measured.toFixed(1)) },
        { title: "interval", cell: ({ ci95: [low, high] }) => `${low.toFixed(1)} .. ${high.toFixed(1)}` },
        { title: "a minute", cell: ({ perMinute }) => perMinute?.map((each) => each.toFixed(2)).join(" -> ") ?? "" },
        { title: "holds", cell: ({ holds }) => (holds ? "yes" : "NO") },
        { title: "claim", cell: ({ claim }) => claim }
      ],
      measured
    )
  ].join("\n")

export const repairEfficiency = (efficiency: ReadonlyArray<RepairEfficiency.Efficiency>): string => {
  const ended = (ms: number | null): string => (ms === null ? "-" : `${ms / 1000} s`)
  return [
    `random loss, playout after ${efficiency[0]!.playoutMs} ms, ${efficiency[0]!.videoPacketsPerSecond} packets of video a second; ` +
      `mean of ${efficiency[0]!.calls} calls of a minute, and the worst:`,
    "",
    Table.format(
      [
        { title: "round trip", cell: ({ roundTripMs }) => `${roundTripMs} ms` },
        { title: "lost", cell: ({ lossRatio }) => percent(lossRatio) },
        { title: "repair packets", cell: ({ protects }) => (protects ? "yes" : "no") },
        { title: "video missed", cell: ({ videoMissed }) => fine(videoMissed) },
        { title: "worst", cell: ({ videoMissedMax }) => fine(videoMissedMax) },
        { title: "audio missed", cell: ({ audioMissed }) => fine(audioMissed) },
        { title: "worst", cell: ({ audioMissedMax }) => fine(audioMissedMax) },
        { title: "repair bytes", cell: ({ repairShare }) => percent(repairShare) },
        { title: "sent again", cell: ({ repeatedShare }) => percent(repeatedShare) },
        { title: "off after", cell: ({ repairsEndMs }) => ended(repairsEndMs) },
        { title: "copies", cell: ({ copiesEndMs }) => ended(copiesEndMs) }
      ],
      efficiency
    )
  ].join("\n")
}

export const groups = ({ audio, video }: Groups, calls: number): string => {
  return [
    `${calls} calls of a minute each; medians and 95th percentiles in ms`,
    "",
    Table.format(
      [
        { title: "people on relays", cell: ({ scenario }) => scenario },
        { title: "turns", cell: ({ turns }) => turns },
        { title: "first words cut", cell: ({ firstWordsCutMs }) => ms(firstWordsCutMs) },
        { title: "dominant after", cell: ({ speakerSwitchMs }) => ms(speakerSwitchMs) },
        { title: "false a minute", cell: ({ falseSwitchesPerMinute }) => falseSwitchesPerMinute },
        { title: "downlink kbit/s", cell: ({ downlinkKbps }) => Math.round(downlinkKbps.mean) },
        { title: "of everything", cell: ({ downlinkShare }) => percent(downlinkShare) }
      ],
      audio
    ),
    "",
    `with cameras, ${Math.min(calls, videoSeedsMax)} calls each:`,
    "",
    Table.format(videoColumns, video)
  ].join("\n")
}

const ms = ({ p50, p95 }: Quantiles): string => `${Math.round(p50)} ${Math.round(p95)}`

const videoColumns: ReadonlyArray<Table.Column<VideoReport>> = [
  { title: "scenario", cell: ({ scenario }) => scenario },
  { title: "seconds", cell: ({ durationMs }) => durationMs / 1000 },
  { title: "quality, good", cell: ({ videoQuality }) => videoQuality.good },
  { title: "of the pair", cell: ({ qualityOfPair }) => (qualityOfPair === null ? "-" : percent(qualityOfPair)) },
  { title: "poor", cell: ({ videoQuality }) => known(videoQuality.poor) },
  { title: "freezes a minute, good", cell: ({ receivers }) => receivers.good.freezesPerMinute },
  { title: "poor", cell: ({ receivers }) => known(receivers.poor?.freezesPerMinute ?? null) },
  { title: "picture after", cell: ({ pictureAfterMs }) => ms(pictureAfterMs) },
  { title: "audio lost, poor", cell: ({ receivers: { poor } }) => (poor ? percent(poor.audio.lossRatio) : "-") },
  {
    title: "audio streams (with onsets)",
    cell: ({ audioStreams }) => `${audioStreams.plannedMax} (${audioStreams.max})`
  },
  { title: "downlink kbit/s", cell: ({ downlinkKbps }) => Math.round(downlinkKbps.mean) },
  { title: "of everything", cell: ({ downlinkShare }) => percent(downlinkShare) },
  { title: "key frames", cell: ({ keyFramesAsked }) => keyFramesAsked },
  { title: "decision p99", cell: ({ allocationMicros }) => `${(allocationMicros.p99 / 1000).toFixed(1)} ms` }
]

export const format = (report: ScenarioReport.ScenarioReport): string => {
  const { durationMs, scenario, seed, summary, title } = report
  return [
    `${scenario}: ${title}; ${durationMs / 1000} s, seed ${seed}`,
    "",
    Table.format(bottleneckColumns, summary.bottlenecks),
    "",
    Table.format(flowColumns, summary.flows),
    ...changes(summary)
  ].join("\n")
}

export const group = (report: GroupReport): string => {
  const { audioWaits, devices, durationMs, packets, packetsLost, seed, title } = report
  return [
    `${report.scenario}: ${title}; ${durationMs / 1000} s, seed ${seed}`,
    `${packets} packets on all hops, ${packetsLost} lost`,
    "",
    Table.format(waitColumns, audioWaits),
    "",
    Table.format(heardColumns, devices)
  ].join("\n")
}

const waitColumns: ReadonlyArray<Table.Column<AudioWait>> = [
  { title: "audio waits at a leg of a", cell: ({ hop }) => hop },
  { title: "p50", cell: ({ p50Ms }) => `${p50Ms} ms` },
  { title: "p99", cell: ({ p99Ms }) => `${p99Ms} ms` },
  { title: "at most", cell: ({ maxMs }) => `${maxMs} ms` }
]

const heardColumns: ReadonlyArray<Table.Column<Heard>> = [
  { title: "device", cell: ({ device }) => device },
  { title: "mouth to ear", cell: ({ audioDelayMs }) => `${audioDelayMs.toFixed(0)} ms` },
  { title: "camera to screen", cell: ({ videoDelayMs }) => `${videoDelayMs.toFixed(0)} ms` },
  { title: "missed", cell: ({ packetsMissed }) => packetsMissed },
  { title: "stalls", cell: ({ stalls }) => stalls },
  { title: "freezes", cell: ({ freezes }) => freezes },
  { title: "frozen", cell: ({ freezeMs }) => `${(freezeMs / 1000).toFixed(1)} s` }
]

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
const fine = (share: number): string => `${(100 * share).toFixed(2)} %`
const megabits = (bps: number): string => (bps / 1e6).toFixed(2)
const known = (value: number | null): string | number => value ?? "-"

export const bottleneckColumns: ReadonlyArray<Table.Column<ScenarioReport.BottleneckSummary>> = [
  { title: "bottleneck", cell: ({ name }) => name },
  { title: "used after 10 s", cell: ({ utilisation }) => percent(utilisation) },
  { title: "queue p50", cell: ({ queueMsP50 }) => `${queueMsP50} ms` },
  { title: "p95", cell: ({ queueMsP95 }) => `${queueMsP95} ms` },
  { title: "lost", cell: ({ lossRatio }) => percent(lossRatio) },
  { title: "fairness", cell: ({ fairness }) => known(fairness) }
]

export const flowColumns: ReadonlyArray<Table.Column<ScenarioReport.FlowSummary>> = [
  { title: "flow", cell: ({ name }) => name },
  { title: "direction", cell: ({ direction }) => direction },
  { title: "Mbit/s", cell: ({ receivedBps }) => megabits(receivedBps) },
  { title: "share", cell: ({ share }) => (share === null ? "-" : percent(share)) },
  { title: "lost", cell: ({ lostPackets }) => lostPackets },
  { title: "repaired", cell: ({ repairedPackets }) => known(repairedPackets) },
  { title: "freezes", cell: ({ freezes }) => known(freezes) },
  { title: "frozen", cell: ({ freezeMs }) => (freezeMs === null ? "-" : `${(freezeMs / 1000).toFixed(1)} s`) }
]

/** A line for each time that the capacity has changed. */
export const changes = ({ bottlenecks }: ScenarioReport.Summary): ReadonlyArray<string> => {
  const lines = bottlenecks.flatMap(({ drops, name, rises }) =>
    [
      ...drops.map((change) => ({ change, goal: "sends less than that" })),
      ...rises.map((change) => ({ change, goal: "gets 85 % of that" }))
    ]
      .toSorted((a, b) => a.change.atMs - b.change.atMs)
      .map(({ change: { afterMs, atMs, fromBps, toBps }, goal }) => {
        const what = `${name}, ${atMs / 1000} s: from ${megabits(fromBps)} to ${megabits(toBps)} Mbit/s`
        return `${what}, ${goal} ${afterMs === null ? "not before the next change" : `after ${afterMs / 1000} s`}`
      })
  )
  return lines.length === 0 ? [] : ["", ...lines]
}
