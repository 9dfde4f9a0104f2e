import * as Leg from "../media/Leg.ts"
import type { CallId, ParticipantId } from "../protocol/Ids.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"
import * as RelayStream from "./RelayStream.ts"

/** A participant's leg as the relay has it: the hop, whose it is, and the streams that come in on it. */
export interface RelayLeg {
  readonly hop: Leg.Leg
  readonly call: CallId
  readonly participant: ParticipantId
  /** Few: searched one by one, by SSRC. */
  readonly streams: ReadonlyArray<RelayStream.RelayStream>
  /** The legs whose streams this one gets. Replaced whole by each plan. */
  sources: ReadonlyArray<RelayLeg>
  /** Place in the timers' wheel, kept by LegTimers: the tick it is due at, or -1; and its neighbours in that slot. */
  dueTick: number
  nextInSlot: RelayLeg | undefined
  previousInSlot: RelayLeg | undefined
}

export const make = (options: {
  readonly call: CallId
  readonly participant: ParticipantId
  readonly streams: ReadonlyArray<StreamDescription>
  readonly receiveTag: number
  readonly sendTag: number
  readonly epoch: number
  readonly address: Uint32Array
  readonly repair: boolean
}): RelayLeg => {
  const hop = Leg.make(options)
  const streams = options.streams.map(RelayStream.make)
  for (const stream of streams) {
    if (stream.keyFrames !== undefined) hop.keyFrames.push(stream.keyFrames)
  }
  return {
    hop,
    call: options.call,
    participant: options.participant,
    streams,
    sources: [],
    dueTick: -1,
    nextInSlot: undefined,
    previousInSlot: undefined
  }
}

export const findStream = (self: RelayLeg, ssrc: number): RelayStream.RelayStream | undefined => {
  const { streams } = self
  for (let i = 0; i < streams.length; i++) {
    if (streams[i]!.description.ssrc === ssrc) return streams[i]
  }
  return undefined
}
