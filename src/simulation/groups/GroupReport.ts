import * as AudioSource from "../AudioSource.ts"
import type * as GroupCall from "../GroupCall.ts"
import type * as Conversation from "../talk/Conversation.ts"
import * as Talk from "../talk/Talk.ts"
import type * as GroupActor from "./GroupActor.ts"

/** What is measured of a group, whoever is in it: who is heard, how soon, and what it costs those who listen. */

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

/** Who is in it. */
export interface People {
  readonly scenario: string
  readonly talkers: number
  readonly noisy: number
  readonly quiet: number
}

export const countOf = ({ noisy, quiet, talkers }: People): number => talkers + noisy + quiet

/** What one call showed. */
export interface Shown {
  readonly cutsMs: ReadonlyArray<number>
  readonly switchesMs: ReadonlyArray<number>
  readonly turns: number
  readonly falseSwitches: number
  readonly downlinkBps: ReadonlyArray<number>
  readonly uplinkBps: ReadonlyArray<number>
}

/** Somebody else has talked so lately that it is no silence. Milliseconds. */
const silenceMs = 300
/** Who has had the turn so lately is no false speaker. Milliseconds. */
const turnEchoMs = 500

/** Of a call that has ended. */
export const shownBy = (
  call: GroupCall.GroupCall,
  actor: GroupActor.GroupActor,
  talk: Talk.Talk,
  durationMs: number
): Shown => {
  const pathBps = (bytes: number) => (bytes * 8000) / durationMs
  const isDevice = (number: number) => number < call.devices.length
  return {
    turns: talk.turns.length,
    cutsMs: talk.turns.flatMap((turn) => cutsOf(call, turn)),
    switchesMs: talk.turns.filter((turn) => isOverSilence(talk, turn)).map((turn) => switchMsOf(call, actor, turn)),
    falseSwitches: actor.switches.filter(({ atMs, device }) => device >= 0 && !hasTurn(call, talk, device, atMs))
      .length,
    downlinkBps: call.relays.flatMap(({ node }) =>
      node.paths.flatMap((path) =>
        path !== undefined && isDevice(path.target.number) ? [pathBps(path.counters.arrivedBytes)] : []
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

export const reportOf = (people: People, shown: ReadonlyArray<Shown>, durationMs: number): GroupsReport => {
  const participants = countOf(people)
  const minutes = (shown.length * durationMs) / 60_000
  const downlinkBps = mean(shown.flatMap((each) => each.downlinkBps))
  const sentBps = mean(shown.flatMap((each) => each.uplinkBps))
  return {
    scenario: people.scenario,
    participants,
    turns: sum(shown.map(({ turns }) => turns)),
    firstWordsCutMs: quantilesOf(shown.flatMap(({ cutsMs }) => cutsMs)),
    speakerSwitchMs: quantilesOf(shown.flatMap(({ switchesMs }) => switchesMs)),
    falseSwitchesPerMinute: rounded(sum(shown.map(({ falseSwitches }) => falseSwitches)) / minutes),
    downlinkKbps: { mean: rounded(downlinkBps / 1000) },
    downlinkShare: rounded(downlinkBps / ((participants - 1) * sentBps))
  }
}

export const quantilesOf = (values: ReadonlyArray<number>): Quantiles => {
  const sorted = [...values].sort((a, b) => a - b)
  const quantile = (share: number) => rounded(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0)
  return { p50: quantile(0.5), p95: quantile(0.95) }
}

export const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)
export const mean = (values: ReadonlyArray<number>): number => sum(values) / values.length
export const rounded = (value: number): number => Math.round(value * 100) / 100
