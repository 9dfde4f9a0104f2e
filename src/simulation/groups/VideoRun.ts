import type { RelayLeg } from "../../pipeline/RelayLeg.ts"
import * as VoiceGate from "../../pipeline/VoiceGate.ts"
import * as AudioSource from "../AudioSource.ts"
import * as EventHeap from "../EventHeap.ts"
import * as GroupCall from "../GroupCall.ts"
import * as LabPath from "../LabPath.ts"
import type * as Link from "../Link.ts"
import type * as Samples from "../Samples.ts"
import * as Talk from "../talk/Talk.ts"
import * as GroupActor from "./GroupActor.ts"
import * as GroupRelay from "./GroupRelay.ts"
import * as GroupReport from "./GroupReport.ts"
import * as VideoScenarios from "./VideoScenarios.ts"
import * as Viewer from "./Viewer.ts"

/** One call of a group with cameras, and what was seen in it. */
export interface Seen extends GroupReport.Shown {
  readonly viewers: ReadonlyArray<Seeing>
  readonly keyFramesAsked: number
  readonly keyFramesAskedOfOff: number
  readonly audioStreams: AudioStreams
  readonly allocationMicros: Samples.Samples
}

/** The most that went out to one receiver at one time: by the plan, and with those that were let through on an onset. */
export interface AudioStreams {
  plannedMax: number
  max: number
}

/** What one device saw and heard. */
export interface Seeing {
  readonly viewer: Viewer.Viewer
  readonly isPoor: boolean
  /** What the path to it carries. Bits a second. */
  readonly linkBps: number
  /** What its relay put on that path in the beginning, and from then on. */
  readonly beginning: Sent
  readonly settled: Sent
  /** Pieces of audio of 150 ms or more that had to be made up, after the beginning. */
  readonly audioStalls: number
}

export interface Sent {
  readonly bps: number
  /** Packets of audio, copies too, and those of them that were lost on the path. */
  readonly audioPackets: number
  readonly audioPacketsLost: number
}

const lookEveryMs = 100
const looksPerSecond = 1000 / lookEveryMs

export interface Paths {
  readonly access: Link.Options
  readonly trunk: Link.Options
}

/** Calls last longer than their beginning. `hasVideo`: false, the same call with cameras that are off. `elapsedMicros`: see GroupActor. */
export const run = (
  scenario: VideoScenarios.VideoScenario,
  { access, trunk }: Paths,
  seed: string,
  elapsedMicros: () => number,
  hasVideo = true
): Seen => {
  const { durationMs, noisy, poorKbps, quiet, relays, settleMs, talkers } = scenario
  const people = GroupReport.countOf(scenario)
  const talk = Talk.make({ talkers, noisy, quiet, durationMs }, seed)
  const audio = (device: number): AudioSource.Options => ({
    ...AudioSource.continuous,
    levels: talk.levels[device]!,
    saysOnsets: true
  })
  const firstPoor = people - poorKbps.length
  const linkBpsOf = (device: number): number | undefined =>
    device < firstPoor ? undefined : poorKbps[device - firstPoor]! * 1000
  const downlink = (device: number): Link.Options => {
    const rateBps = linkBpsOf(device)
    return rateBps === undefined ? access : { ...access, rate: { kind: "constant", rateBps } }
  }
  const layers = hasVideo ? VideoScenarios.layers : []
  const call = GroupCall.make({ seed, people, relays, access, downlink, trunk, videoBps: 0, layers, audio })
  const actor = GroupActor.make(call, { seed, accessMs: access.delayMs, elapsedMicros })
  for (const { receiving } of call.devices) for (const stream of receiving) stream.played = []
  const viewers = call.devices.map((_, device) => Viewer.make(device))
  const audioStreams = { max: 0, plannedMax: 0 }
  const pathOf = (device: number) => call.relays[device % relays]!.node.paths[device]!
  const stallsOf = (device: number) =>
    GroupReport.sum(call.devices[device]!.receiving.map(({ stalls }) => stalls.interruptions))
  const atSettling: Array<{ readonly counters: LabPath.Counters; readonly stalls: number }> = []
  const settle = EventHeap.register(call.heap, () => {
    for (const { device } of viewers) {
      atSettling.push({ counters: { ...pathOf(device).counters }, stalls: stallsOf(device) })
    }
  })
  EventHeap.schedule(call.heap, settleMs, settle, 0)
  if (hasVideo) watch(scenario, call, actor, viewers, audioStreams)
  GroupCall.run(call, durationMs)
  return {
    ...GroupReport.shownBy(call, actor, talk, durationMs),
    viewers: viewers.map((viewer) => {
      const linkBps = linkBpsOf(viewer.device)
      const { counters, stalls } = atSettling[viewer.device]!
      return {
        viewer,
        isPoor: linkBps !== undefined,
        linkBps: linkBps ?? Infinity,
        beginning: sentBetween(LabPath.makeCounters(), counters, settleMs),
        settled: sentBetween(counters, pathOf(viewer.device).counters, durationMs - settleMs),
        audioStalls: stallsOf(viewer.device) - stalls
      }
    }),
    keyFramesAsked: GroupReport.sum(call.devices.map(({ camera }) => camera?.keyFramesAsked ?? 0)),
    keyFramesAskedOfOff: GroupReport.sum(call.devices.map(({ camera }) => camera?.keyFramesAskedOfOff ?? 0)),
    audioStreams,
    allocationMicros: actor.allocationMicros
  }
}

const sentBetween = (before: LabPath.Counters, after: LabPath.Counters, elapsedMs: number): Sent => ({
  bps: ((after.bytes - before.bytes) * 8000) / elapsedMs,
  audioPackets: after.audioPackets - before.audioPackets,
  audioPacketsLost: after.audioPacketsLost - before.audioPacketsLost
})

/** Has the devices say what they want to see, and looks at what they see. */
const watch = (
  scenario: VideoScenarios.VideoScenario,
  call: GroupCall.GroupCall,
  actor: GroupActor.GroupActor,
  viewers: ReadonlyArray<Viewer.Viewer>,
  audioStreams: AudioStreams
): void => {
  const { devices, heap } = call
  const people = devices.length
  const legs = call.legs.flatMap((ofRelay) => ofRelay.filter(GroupRelay.isDevice))
  const legOf = viewers.map(({ device }) => legs.find(({ participant }) => participant === `device ${device}`)!)
  const firstPoor = people - scenario.poorKbps.length
  // They know as soon as a plan could have told them.
  const knownAfterMs = GroupActor.wayMs + actor.options.accessMs
  let looks = 0
  const look = EventHeap.register(heap, (_, nowMs) => {
    const counts = nowMs >= scenario.settleMs
    const speaker = actor.switches.findLast(({ atMs }) => atMs + knownAfterMs <= nowMs)?.device ?? -1
    for (const viewer of viewers) {
      const { device } = viewer
      const leg = legOf[device]!
      const isScrolling = device < firstPoor && device >= firstPoor - scenario.scrolling
      const wishes = VideoScenarios.wishesOf(scenario, device, people, isScrolling, speaker, nowMs)
      // Of its pictures its own is missing.
      const pictureOf = (from: number) => devices[device]!.pictures[from < device ? from : from - 1]!
      const subscription = Viewer.handleWishes(viewer, wishes, pictureOf, nowMs)
      if (subscription !== undefined) actor.subscribe({ legTag: leg.receiveTag, subscription }, nowMs)
      Viewer.look(viewer, leg, counts, nowMs)
      if (looks % looksPerSecond === 0) Viewer.countSecond(viewer, counts)
      if (counts) countAudioStreams(audioStreams, leg, nowMs)
    }
    looks++
    EventHeap.schedule(heap, nowMs + lookEveryMs, look, 0)
  })
  EventHeap.schedule(heap, 0, look, 0)
}

/** Those that go out on the leg now. */
const countAudioStreams = (self: AudioStreams, leg: RelayLeg, nowMs: number): void => {
  const gates = leg.sources.flatMap(({ streams }) =>
    streams.flatMap(({ gate }) =>
      gate?.audience.includes(leg) === true && VoiceGate.isOpen(gate, nowMs) ? [gate] : []
    )
  )
  self.max = Math.max(self.max, gates.length)
  self.plannedMax = Math.max(self.plannedMax, gates.filter(({ isPlanned }) => isPlanned).length)
}
