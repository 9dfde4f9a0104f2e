import * as AudioSource from "../AudioSource.ts"
import * as GroupCall from "../GroupCall.ts"
import * as Link from "../Link.ts"
import * as Talk from "../talk/Talk.ts"
import * as GroupActor from "./GroupActor.ts"
import * as GroupReport from "./GroupReport.ts"
import * as VideoReport from "./VideoReport.ts"
import * as VideoRun from "./VideoRun.ts"
import * as VideoScenarios from "./VideoScenarios.ts"

/** Groups of 3 to 50 who take turns: who is heard, how soon, who is seen, and what it costs those who listen. */

export const name = "groups"
export const title = "groups of 3 to 50 who take turns: who is heard, how soon, who is seen, and what it costs"

export interface Scenario extends GroupReport.People {
  readonly relays: number
  readonly saysOnsets: boolean
}

export const scenarioOf = (participants: number, relays: number, saysOnsets = true): Scenario => {
  const noisy = participants < 6 ? 0 : 2
  const talkers = Math.min(5, participants - noisy)
  const scenario = `${participants} on ${relays}${saysOnsets ? "" : ", no onsets"}`
  return { scenario, talkers, noisy, quiet: participants - talkers - noisy, relays, saysOnsets }
}

export const scenarios: ReadonlyArray<Scenario> = [
  scenarioOf(3, 1),
  scenarioOf(8, 1),
  scenarioOf(8, 1, false),
  scenarioOf(20, 3),
  scenarioOf(20, 3, false),
  scenarioOf(50, 5)
]

const durationMsDefault = 60_000
/** A home in the same city, and data centres of one continent. */
export const access: Link.Options = {
  ...Link.perfect,
  rate: { kind: "constant", rateBps: 20_000_000 },
  delayMs: 15,
  jitterMs: 2
}
export const trunk: Link.Options = { ...Link.perfect, delayMs: 20 }

/** Calls with cameras take ten times as long to simulate: of them there are no more for each figure. */
export const videoSeedsMax = 2

/** What there was to hear, and what there was to see. The same figures for the same seeds, but for the time that decisions take. */
export interface Groups {
  readonly audio: ReadonlyArray<GroupReport.GroupsReport>
  readonly video: ReadonlyArray<VideoReport.VideoReport>
}

/** `elapsedMicros`: see GroupActor. */
export const run = (seeds: ReadonlyArray<string>, elapsedMicros: () => number): Groups => ({
  audio: scenarios.map((scenario) => runScenario(scenario, seeds)),
  video: runVideo(VideoScenarios.scenarios, seeds.slice(0, videoSeedsMax), elapsedMicros)
})

/** A pair is run before whoever is compared with it. */
export const runVideo = (
  of: ReadonlyArray<VideoScenarios.VideoScenario>,
  seeds: ReadonlyArray<string>,
  elapsedMicros: () => number
): ReadonlyArray<VideoReport.VideoReport> => {
  const seenIn = new Map<string, ReadonlyArray<VideoRun.Seen>>()
  return of.map((scenario) => {
    const runAll = (hasVideo: boolean) =>
      seeds.map((seed) => VideoRun.run(scenario, { access, trunk }, seed, elapsedMicros, hasVideo))
    const seen = runAll(true)
    seenIn.set(scenario.scenario, seen)
    // Whether video takes anything from audio is a question where paths are narrow.
    const silent = scenario.poorKbps.length === 0 ? [] : runAll(false)
    return VideoReport.of(scenario, seen, silent, seenIn.get(scenario.pair ?? "") ?? [])
  })
}

export const runScenario = (
  scenario: Scenario,
  seeds: ReadonlyArray<string>,
  durationMs = durationMsDefault
): GroupReport.GroupsReport =>
  GroupReport.reportOf(
    scenario,
    seeds.map((seed) => runOnce(scenario, seed, durationMs)),
    durationMs
  )

const runOnce = (scenario: Scenario, seed: string, durationMs: number): GroupReport.Shown => {
  const { noisy, quiet, relays, saysOnsets, talkers } = scenario
  const people = GroupReport.countOf(scenario)
  const talk = Talk.make({ talkers, noisy, quiet, durationMs }, seed)
  const audio = (device: number): AudioSource.Options => ({
    ...AudioSource.continuous,
    levels: talk.levels[device]!,
    saysOnsets
  })
  const call = GroupCall.make({ seed, people, relays, access, trunk, videoBps: 0, audio })
  const actor = GroupActor.make(call, { seed, accessMs: access.delayMs, elapsedMicros: () => 0 })
  for (const { receiving } of call.devices) for (const stream of receiving) stream.played = []
  GroupCall.run(call, durationMs)
  return GroupReport.shownBy(call, actor, talk, durationMs)
}
