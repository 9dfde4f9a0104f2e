import { StreamDescription } from "../protocol/StreamDescription.ts"
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
 * and everybody gets everything: a call without selections.
 */
export interface GroupCall {
  readonly heap: EventHeap.EventHeap
  readonly devices: ReadonlyArray<LabDevice.LabDevice>
  readonly relays: ReadonlyArray<LabRelay.LabRelay>
  /** Of each relay. */
  readonly legs: ReadonlyArray<ReadonlyArray<RelayLeg>>
}

export interface Options {
  readonly seed: string
  readonly people: number
  /** One hub, the rest edges. */
  readonly relays: number
  /** Of each device, both ways. */
  readonly access: Link.Options
  readonly trunk: Link.Options
  /** Of each camera; 0: there are none. Bits a second. */
  readonly videoBps: number
  /** Of each device. Left out: a conversation of two, each for himself. */
  readonly audio?: (device: number) => AudioSource.Options
}

interface Member {
  readonly name: string
  readonly number: number
  /** The place of its relay. */
  readonly at: number
  readonly streams: { readonly audio: StreamDescription; readonly video: StreamDescription }
}

/** Whoever receives a frame has chosen the tag in it: the receiver's number, and the sender's where that is a relay. */
const tagOf = (receiver: number, sender = 0): number => 0x1000 * (receiver + 1) + sender
/** Of the call on a trunk, beside the trunk's own. */
const callTagOf = (receiver: number, sender: number): number => 0x800 + tagOf(receiver, sender)

export const make = (options: Options): GroupCall => {
  const { access, people, relays: count, seed, trunk, videoBps } = options
  const heap = EventHeap.make()
  const members = Array.from({ length: people }, (_, i) => memberOf(i, i % count))
  const numberOf = (place: number): number => people + place
  const relays = Array.from({ length: count }, (_, place) =>
    LabRelay.make(heap, { number: numberOf(place), seed, name: `relay ${place}` })
  )
  const legs = relays.map((): Array<ReturnType<typeof LabRelay.addTrunk>> => [])
  const devices = members.map(({ at, name, number, streams }) => {
    const [receiveTag, sendTag] = [tagOf(number), tagOf(numberOf(at), number)]
    const device = LabDevice.make(heap, {
      name,
      seed,
      number,
      peer: numberOf(at),
      receiveTag,
      sendTag,
      streams,
      audio: options.audio?.(number) ?? AudioSource.conversation,
      videoBps,
      playoutDelayMs: OrderedStream.adaptive
    })
    const { node } = relays[at]!
    LabPath.connect(device.node, node, [Link.make(access, seed, `${name} up`)])
    LabPath.connect(node, device.node, [Link.make(access, seed, `${name} down`)])
    const own = { number, streams: Object.values(streams), receiveTag: sendTag, sendTag: receiveTag }
    legs[at]!.push(LabRelay.addDevice(relays[at]!, own))
    return device
  })
  for (const [i, listener] of devices.entries()) {
    for (const [j, { streams }] of members.entries()) {
      if (i === j) continue
      for (const stream of Object.values(streams)) LabDevice.receive(listener, stream, devices[j]!.startMs)
    }
  }
  const addTrunk = (here: number, there: number, streams: ReadonlyArray<StreamDescription>): void => {
    const [own, other] = [numberOf(here), numberOf(there)]
    const path = [Link.make(trunk, seed, `trunk ${here} ${there}`)]
    LabPath.connect(relays[here]!.node, relays[there]!.node, path)
    const tags = { receiveTag: tagOf(own, other), sendTag: tagOf(other, own) }
    const callTags = { callReceiveTag: callTagOf(own, other), callSendTag: callTagOf(other, own) }
    legs[here]!.push(LabRelay.addTrunk(relays[here]!, { number: other, streams, ...tags, ...callTags }))
  }
  for (let edge = 1; edge < count; edge++) {
    addTrunk(0, edge, streamsOf(members.filter(({ at }) => at === edge)))
    addTrunk(edge, 0, streamsOf(members.filter(({ at }) => at !== edge)))
  }
  legs.forEach(LabRelay.connect)
  return { heap, devices, relays, legs }
}

const memberOf = (number: number, at: number): Member => ({
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
  }
})

const streamsOf = (members: ReadonlyArray<Member>): ReadonlyArray<StreamDescription> =>
  members.flatMap(({ streams }) => Object.values(streams))

/** Lets the call go on until then, and counts what is still going on. */
export const run = ({ devices, heap }: GroupCall, untilMs: number): void => {
  EventHeap.runUntil(heap, untilMs)
  for (const { receiving } of devices) {
    for (const stream of receiving) ReceivedStream.finish(stream, untilMs)
  }
}
