import * as HopFrame from "../protocol/HopFrame.ts"
import * as RtpHeader from "../protocol/RtpHeader.ts"
import * as AudioSource from "./AudioSource.ts"
import * as Link from "./Link.ts"
import * as VideoSource from "./VideoSource.ts"

/**
 * What an encoder is told when so much may be sent on the wire: the rest of it is headers, the microphone's, and repair:
 * what is sent again, and repair packets. Owned by one device, changed in place.
 */
export interface EncoderTarget {
  /** Of the newest second, weighted by age: packets a frame, and those of them that were repair. */
  sent: number
  resent: number
  sentBefore: number
  resentBefore: number
}

/** Of what was known, kept with each frame: a second at 30 frames a second. */
const kept = 29 / 30
/** Resends take no more than this from the encoder. libwebrtc FecControllerDefault overhead_threshold_. Share. */
export const resentShareMax = 0.5
/** An encoder does not go below it: what is sent then is more than the estimate. Bits a second. */
export const videoBpsMin = 50_000
/** What each packet has beside its payload. Bytes. */
const overheadBytes = Link.headerBytes + HopFrame.headerBytes + RtpHeader.fixedHeaderBytes

export const make = (): EncoderTarget => ({ sent: 0, resent: 0, sentBefore: 0, resentBefore: 0 })

/** Call with each frame: how many packets have been sent so far for the first time, and how many as repair. */
export const handleFrame = (self: EncoderTarget, packetsSent: number, packetsResent: number): void => {
  self.sent = kept * self.sent + (1 - kept) * (packetsSent - self.sentBefore + packetsResent - self.resentBefore)
  self.resent = kept * self.resent + (1 - kept) * (packetsResent - self.resentBefore)
  self.sentBefore = packetsSent
  self.resentBefore = packetsResent
}

/** Of all that is sent, 0..1: what an encoder does without. libwebrtc FecControllerDefault::UpdateFecRates. */
export const resentShare = ({ resent, sent }: EncoderTarget): number =>
  sent > 0 ? Math.min(resentShareMax, resent / sent) : 0

/** Of a microphone on the wire. Bits a second. */
export const audioBps = (payloadBytes: number): number => ((payloadBytes + overheadBytes) * 8000) / AudioSource.packetMs

/** Bits a second of frames, without any headers, when so much of the wire is for video; may be negative. */
export const videoBps = (wireBps: number, framesPerSecond: number): number => {
  const frameBytes = wireBps / 8 / framesPerSecond
  const packets = Math.max(1, Math.ceil(frameBytes / (VideoSource.payloadBytesMax + overheadBytes)))
  return (frameBytes - packets * overheadBytes) * 8 * framesPerSecond
}
