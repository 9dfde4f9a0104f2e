import { type SimulcastLayer, StreamDescription } from "../protocol/StreamDescription.ts"
import * as AudioSource from "./AudioSource.ts"
import * as EventHeap from "./EventHeap.ts"
import * as LabDevice from "./LabDevice.ts"
import * as LabPath from "./LabPath.ts"
import * as LabRelay from "./LabRelay.ts"
import * as Link from "./Link.ts"
import * as OrderedStream from "../media/OrderedStream.ts"
import type { RelayLeg } from "../pipeline/RelayLeg.ts"
import * as ReceivedStream from "./ReceivedStream.ts"

/**
 * A call of many, as the plan has it on many relays: the first relay is the hub, which alone forwards from relay to relay,
 * the others are edges with a trunk to it. Devices are spread over all of them in turn, everybody sends audio and video,
 * and everybody gets everything, as long as nobody decides otherwise.
 */
export interface GroupCall {
  readonly heap: EventHeap.EventHeap
  readonly devices: ReadonlyArray<LabDevice.LabDevice>
  readonly relays: ReadonlyArray<LabRelay.LabRelay>
  /** Of each relay. */
  readonly legs: ReadonlyArray<ReadonlyArray<RelayLeg>>
  /** Of each relay, by the place of the other. */
  readonly trunks: ReadonlyArray<ReadonlyMap<number, RelayLeg>>
}

export interface Options {
  readonly seed: string
  readonly people: number
  /** One hub, the rest edges. */
  readonly relays: number
  /** Of each device, both ways. */
  readonly access: Link.Options
  /** To a device, where that is another. */
  readonly downlink?: (device: number) => Link.Options
  readonly trunk: Link.Options
  /** Of each camera; 0: there are none. Bits a second. */
  readonly videoBps: number
  /** Of each camera, the lowest first; left out or none: it sends one stream. */
  readonly layers?: ReadonlyArray<LayerShape>
  /** Of each device. Left out: a conversation of two, each for himself. */
  readonly audio?: (device: number) => AudioSource.Options
}

/** As a device declares it. */
export type LayerShape = Pick<SimulcastLayer, "heightPixels" | "maxKbps">

interface Member {
  readonly name: string
  readonly number: number
  /** The place of its relay. */
  readonly at: number
  readonly streams: { readonly audio: StreamDescription; readonly video: StreamDescription }
  readonly layers: ReadonlyArray<StreamDescription>
}

/** Whoever receives a frame has chosen the tag in it: the receiver's number, and the sender's where that is a relay. */
const tagOf = (receiver: number, sender = 0): number => 0x1000 * (receiver + 1) + sender
/** Of the call on trunks, beside their own: a relay has chosen one for all of them. */
const callTagOf = (receiver: number): number => 0x800 + tagOf(receiver)
/** Of a relay that forwards layers of many. A second and a half of 40 Mbit/s. Bytes. */
const videoRingBytesOfLayers = 8 << 20

export const make = (options: Options): GroupCall => {
  const { access, layers = [], people, relays: count, seed, trunk, videoBps } = options
  const heap = EventHeap.make()
  const members = Array.from({ length: people }, (_, i) => memberOf(i, i % count, layers))
  const numberOf = (place: number): number => people + place
  const videoRingBytes = layers.length === 0 ? undefined : videoRingBytesOfLayers
  const relays = Array.from({ length: count }, (_, place) =>
    LabRelay.make(heap, { number: numberOf(place), seed, name: `relay ${place}`, videoRingBytes })
  )
  const legs = relays.map((): Array<RelayLeg> => [])
  const trunks = relays.map(() => new Map<number, RelayLeg>())
  const devices = members.map((member) => {
    const { at, name, number, streams } = member
    const [receiveTag, sendTag] = [tagOf(number), tagOf(numberOf(at), number)]
    const device = LabDevice.make(heap, {
      name,
      seed,
      number,
      peer: numberOf(at),
      receiveTag,
      sendTag,
      streams,
      layers: member.layers,
      audio: options.audio?.(number) ?? AudioSource.conversation,
      videoBps,
      playoutDelayMs: OrderedStream.adaptive
    })
    const { node } = relays[at]!
    LabPath.connect(device.node, node, [Link.make(access, seed, `${name} up`)])
    LabPath.connect(node, device.node, [Link.make(options.downlink?.(number) ?? access, seed, `${name} down`)])
    const own = { number, streams: streamsOf([member]), receiveTag: sendTag, sendTag: receiveTag }
    legs[at]!.push(LabRelay.addDevice(relays[at]!, own))
    return device
  })
  for (const [i, listener] of devices.entries()) {
    for (const [j, { layers, streams }] of members.entries()) {
      if (i === j) continue
      const ofOne = layers.length === 0 ? Object.values(streams) : [streams.audio]
      for (const stream of ofOne) LabDevice.receive(listener, stream, devices[j]!.startMs)
      if (layers.length > 0) LabDevice.watch(listener, layers)
    }
  }
  const addTrunk = (here: number, there: number, streams: ReadonlyArray<StreamDescription>): void => {
    const [own, other] = [numberOf(here), numberOf(there)]
    const path = [Link.make(trunk, seed, `trunk ${here} ${there}`)]
    LabPath.connect(relays[here]!.node, relays[there]!.node, path)
    const tags = { receiveTag: tagOf(own, other), sendTag: tagOf(other, own) }
    const callTags = { callReceiveTag: callTagOf(own), callSendTag: callTagOf(other) }
    const leg = LabRelay.addTrunk(relays[here]!, { number: other, streams, ...tags, ...callTags })
    legs[here]!.push(leg)
    trunks[here]!.set(there, leg)
  }
  for (let edge = 1; edge < count; edge++) {
    addTrunk(0, edge, streamsOf(members.filter(({ at }) => at === edge)))
    addTrunk(edge, 0, streamsOf(members.filter(({ at }) => at !== edge)))
  }
  legs.forEach(LabRelay.connect)
  return { heap, devices, relays, legs, trunks }
}

const memberOf = (number: number, at: number, layers: ReadonlyArray<LayerShape>): Member => ({
  name: `device ${number}`,
  number,
  at,
  streams: {
    audio: new StreamDescription({
      ssrc: 0x100 + number,
      kind: "audio",
      clockRate: AudioSource.clockRate,
      codec: "opus"
    }),
    video: new StreamDescription({ ssrc: 0x200 + number, kind: "video", clockRate: 90_000, codec: "vp8" })
  },
  layers: layers.map(
    (shape, layer) =>
      new StreamDescription({
        ssrc: 0x1000 + 0x10 * number + layer,
        kind: "video",
        clockRate: 90_000,
        codec: "vp8",
        simulcast: { source: 0, layer, ...shape }
      })
  )
})

const streamsOf = (members: ReadonlyArray<Member>): ReadonlyArray<StreamDescription> =>
  members.flatMap(({ layers, streams }) => (layers.length === 0 ? Object.values(streams) : [streams.audio, ...layers]))

/** Lets the call go on until then, and counts what is still going on. */
export const run = ({ devices, heap }: GroupCall, untilMs: number): void => {
  EventHeap.runUntil(heap, untilMs)
  for (const { receiving } of devices) {
    for (const stream of receiving) ReceivedStream.finish(stream, untilMs)
  }
}
