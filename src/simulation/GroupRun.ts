import * as GroupCall from "./GroupCall.ts"
import type * as LabPath from "./LabPath.ts"
import * as Link from "./Link.ts"
import * as LossProcess from "./LossProcess.ts"
import * as Samples from "./Samples.ts"

/** A group on a hub and edges: who hears and sees what, and how long audio waits behind video. */

/** Plain data; times in milliseconds. */
export interface GroupReport {
  readonly scenario: string
  readonly title: string
  readonly seed: string
  readonly durationMs: number
  readonly people: number
  readonly relays: number
  /** Sent by anybody on any hop, and lost on its way. */
  readonly packets: number
  readonly packetsLost: number
  /** What happened in the simulation. */
  readonly events: number
  /** From the moment a leg lets audio go, which it does at once, until its last byte is on the link, behind video that left before. */
  readonly audioWaits: ReadonlyArray<AudioWait>
  readonly devices: ReadonlyArray<Heard>
}

export interface AudioWait {
  readonly hop: "device" | "relay"
  readonly packets: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** By one device, of all others. */
export interface Heard {
  readonly device: number
  readonly packetsMissed: number
  /** Medians over the streams, from mouth to ear and from camera to screen. */
  readonly audioDelayMs: number
  readonly videoDelayMs: number
  readonly stalls: number
  readonly freezes: number
  readonly freezeMs: number
}

export const name = "group"
export const title = "ten people with audio and video on a hub and three edges, 1 % loss on every access link"
export const durationMsDefault = 60_000

const people = 10
const relays = 4
/** A home in the same city, and data centres of one continent. */
const access: Link.Options = {
  ...Link.perfect,
  rate: { kind: "constant", rateBps: 20_000_000 },
  delayMs: 15,
  jitterMs: 2,
  loss: { kind: "random", lossRatio: 0.01 }
}
const trunk: Link.Options = { ...Link.perfect, loss: LossProcess.none, delayMs: 20 }
/** A picture of many on one screen. */
const videoBps = 250_000

/** The same bytes for the same seed. */
export const run = (seed: string, durationMs = durationMsDefault): GroupReport => {
  const call = GroupCall.make({ seed, people, relays, access, trunk, videoBps })
  GroupCall.run(call, durationMs)
  const paths = (
    nodes: ReadonlyArray<{ readonly node: { readonly paths: ReadonlyArray<LabPath.LabPath | undefined> } }>
  ) => nodes.flatMap(({ node }) => node.paths.filter((path) => path !== undefined))
  const [ofDevices, ofRelays] = [paths(call.devices), paths(call.relays)]
  const all = [...ofDevices, ...ofRelays]
  return {
    scenario: name,
    title,
    seed,
    durationMs,
    people,
    relays,
    packets: all.reduce((sum, { counters }) => sum + counters.packets, 0),
    packetsLost: all.reduce((sum, { counters }) => sum + counters.lost, 0),
    events: call.heap.scheduled,
    audioWaits: [waitOf("device", ofDevices), waitOf("relay", ofRelays)],
    devices: call.devices.map(({ node, receiving }) => heardBy(node.number, receiving))
  }
}

const waitOf = (hop: AudioWait["hop"], paths: ReadonlyArray<LabPath.LabPath>): AudioWait => {
  const waits = paths.map(({ audioWaitsMs }) => audioWaitsMs)
  const quantile = (share: number) => rounded(Math.max(...waits.map((each) => Samples.quantile(each, share))))
  return {
    hop,
    packets: waits.reduce((sum, { count }) => sum + count, 0),
    // Of the worst of the links.
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: rounded(Math.max(...waits.map(({ max }) => max)))
  }
}

const heardBy = (device: number, receiving: GroupCall.GroupCall["devices"][number]["receiving"]): Heard => {
  const of = (kind: "audio" | "video") => receiving.filter(({ description }) => description.kind === kind)
  const medianMs = (kind: "audio" | "video") => {
    const medians = of(kind).map(({ delaysMs }) => Samples.quantile(delaysMs, 0.5))
    return rounded(medians.sort((a, b) => a - b)[medians.length >> 1]!)
  }
  const sum = (count: (stream: (typeof receiving)[number]) => number) =>
    receiving.reduce((total, stream) => total + count(stream), 0)
  return {
    device,
    packetsMissed: sum(({ ordered }) => ordered.packetsMissed),
    audioDelayMs: medianMs("audio"),
    videoDelayMs: medianMs("video"),
    stalls: sum(({ stalls }) => stalls.interruptions),
    freezes: sum(({ freezes }) => freezes.freezes),
    freezeMs: Math.round(sum(({ freezes }) => freezes.freezeMs))
  }
}

const rounded = (value: number): number => Math.round(value * 100) / 100
