import * as AudioSource from "../AudioSource.ts"
import * as GroupCall from "../GroupCall.ts"
import * as Link from "../Link.ts"
import type * as Conversation from "../talk/Conversation.ts"
import * as Talk from "../talk/Talk.ts"
import * as GroupActor from "./GroupActor.ts"

/** Groups of 3 to 50 who take turns: who is heard, how soon, and what it costs those who listen. */

export const name = "groups"
export const title = "groups of 3 to 50 who take turns: who is heard, how soon, and what it costs"

export interface Quantiles {
  readonly p50: number
  readonly p95: number
}

/** Plain data. */
export interface GroupsReport {
  readonly scenario: string
  readonly participants: number
  /** Turns, each as everybody else heard it, and as the actor saw it. */
  readonly turns: number
  /** From the first voiced sample to the first one that was played. Milliseconds. */
  readonly firstWordsCutMs: Quantiles
  /** Of turns before which nobody else had talked for 300 ms, until the one who talks was dominant. Milliseconds. */
  readonly speakerSwitchMs: Quantiles
  /** To somebody who only coughed and typed, or who had no turn. */
  readonly falseSwitchesPerMinute: number
  /** Of all devices, with all headers. */
  readonly downlinkKbps: { readonly mean: number }
  /** Of the same call, if everything were forwarded: the share that is left. */
  readonly downlinkShare: number
}

export interface Scenario {
  readonly scenario: string
  readonly talkers: number
  readonly noisy: number
  readonly quiet: number
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
const access: Link.Options = {
  ...Link.perfect,
  rate: { kind: "constant", rateBps: 20_000_000 },
  delayMs: 15,
  jitterMs: 2
}
const trunk: Link.Options = { ...Link.perfect, delayMs: 20 }
/** Somebody else has talked so lately that it is no silence. Milliseconds. */
const silenceMs = 300
/** Who has had the turn so lately is no false speaker. Milliseconds. */
const turnEchoMs = 500

/** The same figures for the same seeds. */
export const run = (seeds: ReadonlyArray<string>): ReadonlyArray<GroupsReport> =>
  scenarios.map((scenario) => runScenario(scenario, seeds))

export const runScenario = (
  scenario: Scenario,
  seeds: ReadonlyArray<string>,
  durationMs = durationMsDefault
): GroupsReport =>
  reportOf(
    scenario,
    seeds.map((seed) => runOnce(scenario, seed, durationMs)),
    (seeds.length * durationMs) / 60_000
  )

/** What one call showed. */
interface Shown {
  readonly cutsMs: ReadonlyArray<number>
  readonly switchesMs: ReadonlyArray<number>
  readonly turns: number
  readonly falseSwitches: number
  readonly downlinkBps: ReadonlyArray<number>
  readonly uplinkBps: ReadonlyArray<number>
}

const runOnce = ({ noisy, quiet, relays, saysOnsets, talkers }: Scenario, seed: string, durationMs: number): Shown => {
  const people = talkers + noisy + quiet
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
  const pathBps = (bytes: number) => (bytes * 8000) / durationMs
  return {
    turns: talk.turns.length,
    cutsMs: talk.turns.flatMap((turn) => cutsOf(call, turn)),
    switchesMs: talk.turns.filter((turn) => isOverSilence(talk, turn)).map((turn) => switchMsOf(call, actor, turn)),
    falseSwitches: actor.switches.filter(({ atMs, device }) => device >= 0 && !hasTurn(call, talk, device, atMs))
      .length,
    downlinkBps: call.relays.flatMap(({ node }) =>
      node.paths.flatMap((path) =>
        path !== undefined && path.target.number < people ? [pathBps(path.counters.arrivedBytes)] : []
      )
    ),
    uplinkBps: call.devices.map(({ node }) =>
      pathBps(node.paths.reduce((sum, path) => sum + (path?.counters.mediaBytes ?? 0), 0))
    )
  }
}

/** How much of the beginning of a turn each of the others did not hear. What was never heard is cut whole. Milliseconds. */
const cutsOf = (
  { devices }: GroupCall.GroupCall,
  { fromMs, holder, untilMs }: Conversation.Turn
): ReadonlyArray<number> => {
  const ssrc = devices[holder]!.sending[0]!.description.ssrc
  return devices.flatMap(({ receiving }, listener) => {
    if (listener === holder) return []
    const { played } = receiving.find(({ description }) => description.ssrc === ssrc)!
    const first = played!
      .map((timestamp) => (timestamp * 1000) / AudioSource.clockRate)
      .find((atMs) => atMs + AudioSource.packetMs > fromMs && atMs < untilMs)
    return [first === undefined ? untilMs - fromMs : Math.max(0, first - fromMs)]
  })
}

const isOverSilence = ({ voiced }: Talk.Talk, { fromMs, holder }: Conversation.Turn): boolean => {
  const until = Math.floor(fromMs / Talk.frameMs)
  const from = Math.max(0, until - silenceMs / Talk.frameMs)
  return voiced.every((heard, device) => device === holder || !heard.subarray(from, until).includes(1))
}

/** Until the actor takes the holder of the turn for the dominant speaker; the whole turn, if it never does. */
const switchMsOf = (
  { devices }: GroupCall.GroupCall,
  { switches }: GroupActor.GroupActor,
  { fromMs, holder, untilMs }: Conversation.Turn
): number => {
  const saidAtMs = devices[holder]!.startMs + fromMs
  const before = switches.findLast(({ atMs }) => atMs <= saidAtMs)
  if (before?.device === holder) return 0
  const next = switches.find(({ atMs, device }) => atMs > saidAtMs && device === holder)
  return Math.min(untilMs - fromMs, (next?.atMs ?? Infinity) - saidAtMs)
}

const hasTurn = ({ devices }: GroupCall.GroupCall, { turns }: Talk.Talk, device: number, atMs: number): boolean => {
  const saidMs = atMs - devices[device]!.startMs
  return turns.some(
    ({ fromMs, holder, untilMs }) => holder === device && fromMs <= saidMs && saidMs < untilMs + turnEchoMs
  )
}

const reportOf = (
  { noisy, quiet, scenario, talkers }: Scenario,
  shown: ReadonlyArray<Shown>,
  minutes: number
): GroupsReport => {
  const participants = talkers + noisy + quiet
  const downlinkBps = mean(shown.flatMap((each) => each.downlinkBps))
  const sentBps = mean(shown.flatMap((each) => each.uplinkBps))
  return {
    scenario,
    participants,
    turns: sum(shown.map(({ turns }) => turns)),
    firstWordsCutMs: quantilesOf(shown.flatMap(({ cutsMs }) => cutsMs)),
    speakerSwitchMs: quantilesOf(shown.flatMap(({ switchesMs }) => switchesMs)),
    falseSwitchesPerMinute: rounded(sum(shown.map(({ falseSwitches }) => falseSwitches)) / minutes),
    downlinkKbps: { mean: rounded(downlinkBps / 1000) },
    downlinkShare: rounded(downlinkBps / ((participants - 1) * sentBps))
  }
}

const quantilesOf = (values: ReadonlyArray<number>): Quantiles => {
  const sorted = [...values].sort((a, b) => a - b)
  const quantile = (share: number) => rounded(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0)
  return { p50: quantile(0.5), p95: quantile(0.95) }
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)
const mean = (values: ReadonlyArray<number>): number => sum(values) / values.length
const rounded = (value: number): number => Math.round(value * 100) / 100
