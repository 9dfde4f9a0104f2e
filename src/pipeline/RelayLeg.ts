import * as Leg from "../media/Leg.ts"
import * as ReceiverRates from "../media/ReceiverRates.ts"
import type { CallId, ParticipantId } from "../protocol/Ids.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import type { Downlink } from "./Downlink.ts"
import type { LayerForwarding } from "./LayerForwarding.ts"
import * as RelayStream from "./RelayStream.ts"

/**
 * A leg as the relay finds it by the tag of a frame: the hop, whose it is, and the streams that come in on it. A device
 * has one of its own. A trunk has one for itself, and one more for each call that it carries: those share the trunk's hop,
 * and each has the call's tags.
 */
export interface RelayLeg {
  readonly hop: Leg.Leg
  /** In frames that come in. Chosen by this relay. */
  readonly receiveTag: number
  /** In frames that go out. Chosen by the other side; of a call on a trunk, as the newest plan says. */
  sendTag: number
  /** Of the calls on a trunk: the trunk's own leg, which has the timers. */
  readonly carrier: RelayLeg | undefined
  /** `undefined`: a trunk's own. */
  readonly call: CallId | undefined
  /** `undefined`: on a trunk. */
  readonly participant: ParticipantId | undefined
  /** Few: searched one by one, by SSRC. Those of a trunk are replaced by each plan. */
  streams: ReadonlyArray<RelayStream.RelayStream>
  /** The legs whose streams this one gets. Replaced whole by each plan. */
  sources: ReadonlyArray<RelayLeg>
  /** A device's: of each source that it gets, which layer. Replaced whole by each plan. */
  layers: ReadonlyArray<LayerForwarding>
  layersPolledAtMs: number
  /** How many of them have left something out before their next packet. */
  holes: number
  /** A device's, once its path has been measured. */
  downlink: Downlink | undefined
  /** A device's: the call's owner would give it more video if its path carried more. */
  wantsMore: boolean
  /** What the device says that its path to this relay carries; NaN: nothing yet. Bits a second. */
  uplinkBps: number
  /** Of a call on a trunk: what the other relay has said of the streams that it gets. */
  readonly receiverRates: ReceiverRates.ReceiverRates | undefined
  /** Place in the timers' wheel, kept by LegTimers: the tick it is due at, or -1; and its neighbours in that slot. */
  dueTick: number
  nextInSlot: RelayLeg | undefined
  previousInSlot: RelayLeg | undefined
}

/** The leg of a participant. */
export interface DeviceLeg extends RelayLeg {
  readonly call: CallId
  readonly participant: ParticipantId
}

const idle = {
  sources: [],
  layers: [],
  layersPolledAtMs: -Infinity,
  holes: 0,
  downlink: undefined,
  wantsMore: false,
  uplinkBps: NaN,
  dueTick: -1,
  nextInSlot: undefined,
  previousInSlot: undefined
}

export const make = (options: {
  readonly call: CallId
  readonly participant: ParticipantId
  readonly streams: ReadonlyArray<StreamDescription>
  readonly receiveTag: number
  readonly sendTag: number
  readonly epoch: number
  /** Of our frames, where the leg has been restored. */
  readonly sendEpoch?: number
  readonly address: Uint32Array
  readonly repair: boolean
  readonly protects?: boolean | undefined
  readonly startBps?: number | undefined
}): DeviceLeg => {
  const { call, participant, receiveTag, sendTag } = options
  const hop = Leg.make(options)
  const streams = options.streams.map(RelayStream.make)
  for (const { keyFrames } of streams) {
    if (keyFrames !== undefined) hop.keyFrames.push(keyFrames)
  }
  // Copied, because what `filter` makes has room for sixteen more, and there are many legs.
  hop.rateNotices = streams
    .map(({ notice }) => notice)
    .filter((notice) => notice !== undefined)
    .slice()
  return { hop, receiveTag, sendTag, carrier: undefined, call, participant, streams, receiverRates: undefined, ...idle }
}

/** A trunk's own leg: for what belongs to no call. */
export const makeTrunk = (options: {
  readonly receiveTag: number
  readonly sendTag: number
  readonly epoch: number
  readonly address: Uint32Array
  readonly repair: boolean
  readonly protects?: boolean | undefined
}): RelayLeg => {
  const { receiveTag, sendTag } = options
  const hop = Leg.make({ ...options, kind: "trunk" })
  return {
    hop,
    receiveTag,
    sendTag,
    carrier: undefined,
    call: undefined,
    participant: undefined,
    streams: [],
    receiverRates: undefined,
    ...idle
  }
}

/** A call on a trunk. */
export const makeOnTrunk = (
  carrier: RelayLeg,
  call: CallId,
  tags: { readonly receiveTag: number; readonly sendTag: number }
): RelayLeg => ({
  hop: carrier.hop,
  ...tags,
  carrier,
  call,
  participant: undefined,
  streams: [],
  receiverRates: ReceiverRates.make(),
  ...idle
})

/** Whether it is a trunk's own leg, of no call. */
export const isTrunk = ({ call }: RelayLeg): boolean => call === undefined

export const findStream = (self: RelayLeg, ssrc: number): RelayStream.RelayStream | undefined => {
  const { streams } = self
  for (let i = 0; i < streams.length; i++) {
    if (streams[i]!.description.ssrc === ssrc) return streams[i]
  }
  return undefined
}

/** Only a stream that the receiver gets from there: nobody may ask in a call he is not in. */
export const findStreamFor = (
  source: RelayLeg,
  receiver: RelayLeg,
  ssrc: number
): RelayStream.RelayStream | undefined => {
  const stream = findStream(source, ssrc)
  return stream?.targets.includes(receiver) === true ? stream : undefined
}
