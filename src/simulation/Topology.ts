import type { Leg } from "../media/Leg.ts"
import * as OrderedStream from "../media/OrderedStream.ts"
import type { Bounds } from "../media/PlayoutDelay.ts"
import type { Samples } from "./Samples.ts"

import { StreamDescription } from "../protocol/StreamDescription.ts"
import * as AudioSource from "./AudioSource.ts"
import * as EventHeap from "./EventHeap.ts"
import * as LabDevice from "./LabDevice.ts"
import * as LabPath from "./LabPath.ts"
import * as LabRelay from "./LabRelay.ts"
import * as Link from "./Link.ts"
import * as ReceivedStream from "./ReceivedStream.ts"

/**
 * What stands between the two devices, and how long each part of the way is, from a to b. A passive relay passes datagrams
 * on as they come: the devices repair end to end.
 */
export type Topology =
  | { readonly kind: "passive"; readonly delaysMs: readonly [number, number] }
  | { readonly kind: "active"; readonly delaysMs: readonly [number, number] }
  | { readonly kind: "tandem"; readonly delaysMs: readonly [number, number, number] }

export type LinkName = "a-up" | "a-down" | "b-up" | "b-down" | "trunk-ab" | "trunk-ba"

/** A link, but for its delay, which the topology says. */
export type LinkShape = Omit<Link.Options, "delayMs">

export interface Options {
  readonly seed: string
  readonly topology: Topology
  /** Of both devices, both ways. */
  readonly access?: Partial<LinkShape>
  readonly trunk?: Partial<LinkShape>
  /** What is different on one link. */
  readonly links?: { readonly [name in LinkName]?: Partial<LinkShape> }
  readonly audio?: AudioSource.Options
  /** 0: no video. Bits a second. */
  readonly videoBps?: number
  /** What is different for one device. */
  readonly devices?: { readonly [name in "a" | "b"]?: DeviceOptions }
  /** Left out: it adapts, as a device's does. */
  readonly playoutDelayMs?: number | Bounds
  /** False: no repair packets on any hop. */
  readonly protects?: boolean | undefined
  /** Where there are several calls: the clock of all, and links that datagrams pass before the call's own. */
  readonly heap?: EventHeap.EventHeap
  readonly through?: { readonly [name in LinkName]?: Link.Link | undefined }
}

/** See LabDevice.Options. */
export interface DeviceOptions {
  readonly audio?: AudioSource.Options
  readonly videoBps?: number
  readonly videoMaxBps?: number
  readonly presence?: LabDevice.Presence
}

/** A call of two on its way through the simulation. */
export interface Call {
  readonly heap: EventHeap.EventHeap
  readonly a: LabDevice.LabDevice
  readonly b: LabDevice.LabDevice
  readonly relays: ReadonlyArray<LabRelay.LabRelay>
  readonly links: ReadonlyMap<LinkName, Link.Link>
  /** The other end of each device's hop: who gets what it sends. */
  readonly receivers: Readonly<Record<"a" | "b", Leg>>
  /** How long repairs took, by the link that they came on at last. */
  readonly repairsMs: ReadonlyMap<LinkName, Samples>
}

const numbers = { a: 1, b: 2, relayA: 3, relayB: 4 }

/** Neither 0 nor alike; what else they are does not matter here. */
const tags = { a: 0x1001, b: 0x1002, relayA: 0x2001, relayB: 0x2002, trunkA: 0x3001, trunkB: 0x3002 }
const callTags = { relayA: 0x4001, relayB: 0x4002 }

const streamsOf = (n: number) => ({
  audio: new StreamDescription({ ssrc: 0x100 + n, kind: "audio", clockRate: AudioSource.clockRate, codec: "opus" }),
  video: new StreamDescription({ ssrc: 0x200 + n, kind: "video", clockRate: 90_000, codec: "vp8" })
})
const streams = { a: streamsOf(1), b: streamsOf(2) }
const described = { a: Object.values(streams.a), b: Object.values(streams.b) }

export const make = (options: Options): Call => {
  const { protects, seed, topology } = options
  const heap = options.heap ?? EventHeap.make()
  const links = makeLinks(options)
  const relays = Array.from({ length: topology.kind === "passive" ? 0 : topology.kind === "active" ? 1 : 2 }, (_, i) =>
    LabRelay.make(heap, { number: i === 0 ? numbers.relayA : numbers.relayB, seed, name: `relay ${i}` })
  )
  const [relayA, relayB = relayA] = relays
  const device = (name: "a" | "b", relay: LabRelay.LabRelay | undefined) => {
    const other = name === "a" ? "b" : "a"
    const own = options.devices?.[name]
    return LabDevice.make(heap, {
      name,
      seed,
      number: numbers[name],
      peer: relay?.node.number ?? numbers[other],
      receiveTag: tags[name],
      sendTag: relay === undefined ? tags[other] : name === "a" ? tags.relayA : tags.relayB,
      streams: streams[name],
      audio: own?.audio ?? options.audio ?? AudioSource.conversation,
      videoBps: own?.videoBps ?? options.videoBps ?? 1_000_000,
      videoMaxBps: own?.videoMaxBps,
      presence: own?.presence,
      playoutDelayMs: options.playoutDelayMs ?? OrderedStream.adaptive,
      protects
    })
  }
  const a = device("a", relayA)
  const b = device("b", relayB)
  for (const description of described.b) LabDevice.receive(a, description, b.startMs)
  for (const description of described.a) LabDevice.receive(b, description, a.startMs)
  const repairsMs = new Map<LinkName, Samples>([
    ["a-down", a.repairs.repairsMs],
    ["b-down", b.repairs.repairsMs]
  ])
  const way = (name: LinkName): ReadonlyArray<Link.Link> => {
    const first = options.through?.[name]
    const own = links.get(name)!
    return first === undefined ? [own] : [first, own]
  }
  if (relayA === undefined || relayB === undefined) {
    LabPath.connect(a.node, b.node, [...way("a-up"), ...way("b-down")])
    LabPath.connect(b.node, a.node, [...way("b-up"), ...way("a-down")])
    return { heap, a, b, relays, links, receivers: { a: b.leg, b: a.leg }, repairsMs }
  }
  LabPath.connect(a.node, relayA.node, way("a-up"))
  LabPath.connect(relayA.node, a.node, way("a-down"))
  LabPath.connect(b.node, relayB.node, way("b-up"))
  LabPath.connect(relayB.node, b.node, way("b-down"))
  const legA = LabRelay.addDevice(relayA, { ...deviceAt("a"), protects })
  const legB = LabRelay.addDevice(relayB, { ...deviceAt("b"), protects })
  repairsMs.set("a-up", relayA.repairs.get(legA.hop)!.repairsMs)
  repairsMs.set("b-up", relayB.repairs.get(legB.hop)!.repairsMs)
  if (relayA === relayB) LabRelay.connect([legA, legB])
  else {
    LabPath.connect(relayA.node, relayB.node, way("trunk-ab"))
    LabPath.connect(relayB.node, relayA.node, way("trunk-ba"))
    const toB = LabRelay.addTrunk(relayA, { ...trunkTo("b"), protects })
    const toA = LabRelay.addTrunk(relayB, { ...trunkTo("a"), protects })
    repairsMs.set("trunk-ba", relayA.repairs.get(toB.hop)!.repairsMs)
    repairsMs.set("trunk-ab", relayB.repairs.get(toA.hop)!.repairsMs)
    LabRelay.connect([legA, toB])
    LabRelay.connect([legB, toA])
  }
  return { heap, a, b, relays, links, receivers: { a: legA.hop, b: legB.hop }, repairsMs }
}

const deviceAt = (name: "a" | "b"): LabRelay.DeviceOptions => ({
  number: numbers[name],
  streams: described[name],
  receiveTag: name === "a" ? tags.relayA : tags.relayB,
  sendTag: tags[name]
})

const trunkTo = (name: "a" | "b") => {
  const [here, there] = name === "b" ? (["A", "B"] as const) : (["B", "A"] as const)
  return {
    number: numbers[`relay${there}`],
    streams: described[name],
    receiveTag: tags[`trunk${here}`],
    sendTag: tags[`trunk${there}`],
    callReceiveTag: callTags[`relay${here}`],
    callSendTag: callTags[`relay${there}`]
  }
}

const makeLinks = ({ access, links = {}, seed, topology, trunk }: Options): Map<LinkName, Link.Link> => {
  const { delaysMs } = topology
  const [first, middle] = delaysMs
  const last = delaysMs[2] ?? middle
  const made = (name: LinkName, shape: Partial<LinkShape> | undefined, delayMs: number) =>
    [name, Link.make({ ...Link.perfect, ...shape, ...links[name], delayMs }, seed, name)] as const
  return new Map([
    made("a-up", access, first),
    made("a-down", access, first),
    made("b-up", access, last),
    made("b-down", access, last),
    ...(topology.kind === "tandem" ? [made("trunk-ab", trunk, middle), made("trunk-ba", trunk, middle)] : [])
  ])
}

/** Lets the call go on until then. */
export const runUntil = (self: Call, untilMs: number): void => EventHeap.runUntil(self.heap, untilMs)

/** The call has ended: what is still going on is counted. */
export const finish = (self: Call): void => {
  for (const { receiving } of [self.a, self.b]) {
    for (const stream of receiving) ReceivedStream.finish(stream, self.heap.nowMs)
  }
}
