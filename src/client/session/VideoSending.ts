import type { StreamAllocation, VideoAllocation } from "../../protocol/VideoAttribute.ts"
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
