import type { KeyFrameRequest } from "../../media/KeyFrameRequest.ts"
import * as OrderedStream from "../../media/OrderedStream.ts"
import type { ParticipantId } from "../../protocol/Ids.ts"
import type { RosterEntry } from "../../protocol/RosterAttribute.ts"
import { isSameStream } from "../../protocol/StreamDescription.ts"
import { sourcesOf, type StreamSource } from "../../protocol/StreamSources.ts"
import type { ReceivedPacket } from "./ReceivedPacket.ts"
import * as ReceivingStream from "./ReceivingStream.ts"
import * as SplicedStream from "./SplicedStream.ts"

/** The streams of all other participants, by SSRC, as the roster has them. Changed in place. */
export interface ReceivingStreams {
  readonly options: Options
  readonly bySsrc: Map<number, ReceivingStream.ReceivingStream>
  /** Packets that have overtaken the roster which announces their streams, the oldest first. */
  held: Array<HeldPacket>
  /** Packets of streams that nobody has announced. */
  packetsUnknown: number
}

export interface Options extends ReceivingStream.Options {
  /** This device: its own streams are not received. */
  readonly participant: string
}

interface HeldPacket {
  readonly ssrc: number
  readonly packet: ReceivingStream.ArrivedPacket
}

/** A roster comes within some round trips: a key frame has to wait so long, an hour of forgeries must not. Packets. */
const heldMax = 1024

export const make = (options: Options): ReceivingStreams => ({
  options,
  bySsrc: new Map(),
  held: [],
  packetsUnknown: 0
})

export const handlePacket = (self: ReceivingStreams, ssrc: number, packet: ReceivingStream.ArrivedPacket): void => {
  const stream = self.bySsrc.get(ssrc)
  if (stream !== undefined) ReceivingStream.handlePacket(stream, packet)
  else hold(self, ssrc, packet)
}

const hold = (self: ReceivingStreams, ssrc: number, packet: ReceivingStream.ArrivedPacket): void => {
  self.held.push({ ssrc, packet: { ...packet, bytes: packet.bytes.slice() } })
  if (self.held.length <= heldMax) return
  self.held.shift()
  self.packetsUnknown++
}

/** What was lost of the last words of who has left still comes, and is waited for as ever. Milliseconds. */
const lastWordsMs = 1000

/**
 * Streams that are still there go on, those that are not any more are taken for a moment longer, and packets that were
 * held for new ones are taken in.
 */
export const applyRoster = (self: ReceivingStreams, roster: ReadonlyArray<RosterEntry>, nowMs: number): void => {
  for (const stream of self.bySsrc.values()) stream.departsAtMs = Math.min(stream.departsAtMs, nowMs + lastWordsMs)
  for (const { participant, streams } of roster) {
    if (participant === self.options.participant) continue
    for (const source of sourcesOf(streams)) applySource(self, participant, source)
  }
  const { held } = self
  self.held = []
  for (const { packet, ssrc } of held) handlePacket(self, ssrc, packet)
}

const applySource = (self: ReceivingStreams, participant: ParticipantId, source: StreamSource): void => {
  const known = source.map(({ ssrc }) => self.bySsrc.get(ssrc))
  const isKnown = source.every((description, index) => {
    const stream = known[index]
    return stream?.participant === participant && isSameStream(stream.description, description)
  })
  const [lowest] = source
  const spliced = lowest.simulcast === undefined ? undefined : SplicedStream.make(lowest)
  for (const [index, description] of source.entries()) {
    const stream = known[index]
    if (isKnown && stream !== undefined) stream.departsAtMs = Infinity
    else self.bySsrc.set(description.ssrc, ReceivingStream.make(participant, description, self.options, spliced))
  }
}

/** Appends all packets whose turn it is, of whatever stream. */
export const poll = (self: ReceivingStreams, nowMs: number, out: Array<ReceivedPacket>): void => {
  for (const [ssrc, stream] of self.bySsrc) {
    const departs = stream.departsAtMs <= nowMs
    ReceivingStream.poll(stream, departs ? Infinity : nowMs, out)
    if (departs) self.bySsrc.delete(ssrc)
  }
}

/** When the first gap will be given up. Milliseconds; Infinity when there is none. */
export const nextDeadlineMs = (self: ReceivingStreams): number => {
  let deadlineMs = Infinity
  for (const { ordered } of self.bySsrc.values())
    deadlineMs = Math.min(deadlineMs, OrderedStream.nextDeadlineMs(ordered))
  return deadlineMs
}

/** Of all video streams, for the leg that they come on. */
export const keyFrameRequests = (self: ReceivingStreams): ReadonlyArray<KeyFrameRequest> =>
  [...self.bySsrc.values()].flatMap(({ departsAtMs, ordered: { keyFrames } }) =>
    keyFrames === undefined || departsAtMs < Infinity ? [] : [keyFrames]
  )

/** The application needs a key frame of the stream that it knows by this SSRC: of the layer that it gets. */
export const requestKeyFrame = (self: ReceivingStreams, ssrc: number): void => {
  const named = self.bySsrc.get(ssrc)
  const stream = named?.spliced === undefined ? named : (self.bySsrc.get(named.spliced.active) ?? named)
  if (stream !== undefined) OrderedStream.requestKeyFrame(stream.ordered)
}

/**
 * After a hole too large to repair, of which nobody knows whose packets were in it. Who takes packets whole sees it, and
 * knows whether it has a decoder.
 */
export const requestKeyFrames = (self: ReceivingStreams): void => {
  if (self.options.handOutWhole !== undefined) return
  for (const { ordered } of self.bySsrc.values()) OrderedStream.requestKeyFrame(ordered)
}
