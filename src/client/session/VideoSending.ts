import * as ReceiverRates from "../../media/ReceiverRates.ts"
import type { StreamAllocation, VideoAllocation } from "../../protocol/VideoAttribute.ts"
import type { SendingStream } from "../streams/SendingStream.ts"
import type { Session } from "./Session.ts"

/**
 * Which video of this device is wanted, as the relay has said last. Changed in place; reads no clock.
 */
export interface VideoSending {
  /** The session that it was said in; `undefined`: nothing is said, and everything may be sent. */
  saidIn: Session | undefined
  allocation: VideoAllocation
}

/** What has changed. */
export interface Switched {
  readonly streams: ReadonlyArray<StreamAllocation>
  /** SSRCs that were off and are not any more: they begin anew. */
  readonly switchedOn: ReadonlyArray<number>
}

/** A new relay has so long to say something before what another has said is worth nothing. Milliseconds. */
export const holdsForMs = 5000

const nothingSaid: VideoAllocation = { version: 0, streams: [] }

export const make = (): VideoSending => ({ saidIn: undefined, allocation: nothingSaid })

/** Whether nothing of this stream is to be sent. */
export const isOff = ({ allocation }: VideoSending, ssrc: number): boolean =>
  allocation.streams.find((stream) => stream.ssrc === ssrc)?.rateBps === 0

/**
 * What may be sent of all video together: of each stream what it is told to be, or what those who receive it can take, if that is
 * less. Infinity: of one nothing is known. Bits a second, with all headers.
 */
export const usefulBps = (
  { allocation }: VideoSending,
  sending: ReadonlyArray<SendingStream>,
  receivers: ReceiverRates.ReceiverRates,
  nowMs: number
): number => {
  let sum = 0
  let isKnown = false
  for (const { stream } of sending) {
    if (stream.kind !== "video") continue
    const toldBps = allocation.streams.find(({ ssrc }) => ssrc === stream.ssrc)?.rateBps ?? Infinity
    const receiversBps = ReceiverRates.rateBps(receivers, stream.ssrc, nowMs)
    const usefulBps = Number.isNaN(receiversBps) ? toldBps : Math.min(toldBps, receiversBps)
    if (usefulBps === Infinity) continue
    isKnown = true
    sum += usefulBps
  }
  return isKnown ? sum : Infinity
}

/** `undefined` when it is no news: in one session only a higher version is. */
export const handleAllocation = (
  self: VideoSending,
  session: Session,
  allocation: VideoAllocation
): Switched | undefined => {
  if (self.saidIn === session && allocation.version <= self.allocation.version) return undefined
  return follow(self, session, allocation)
}

/** Forgets what the relay of an earlier session has said when that of the newest has had its time. */
export const poll = (self: VideoSending, newest: Session, nowMs: number): Switched | undefined => {
  const { saidIn } = self
  if (saidIn === undefined || saidIn === newest || nowMs - newest.grantedAtMs < holdsForMs) return undefined
  return follow(self, undefined, nothingSaid)
}

const follow = (self: VideoSending, saidIn: Session | undefined, allocation: VideoAllocation): Switched => {
  const wereOff = self.allocation.streams.filter(({ rateBps }) => rateBps === 0)
  self.saidIn = saidIn
  self.allocation = allocation
  return {
    streams: allocation.streams,
    switchedOn: wereOff.flatMap(({ ssrc }) => (isOff(self, ssrc) ? [] : [ssrc]))
  }
}
