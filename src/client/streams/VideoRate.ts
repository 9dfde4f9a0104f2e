import * as BandwidthEstimator from "../../media/bandwidth/BandwidthEstimator.ts"
import * as HopFrame from "../../protocol/HopFrame.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import type { SendLeg } from "../../media/SendLeg.ts"
import type { SendingStream } from "./SendingStream.ts"

/**
 * At which rate the application should encode its video: what the path to the relay is believed to carry, less audio, less
 * what is sent again, less repair packets; or what those who receive it can take, if that is less; and less the headers
 * around the payloads. Owned by one client and changed in place.
 */
export interface VideoRate {
  /** The last that was told; NaN before the first. Bits a second. */
  toldBps: number
  /** What all streams had sent when the window began: payload bytes and packets. And the leg: packets, and again. */
  readonly before: Sent
  sinceMs: number
  /** In the last window. Bits a second, with headers. */
  audioBps: number
  /** Mean of the last window. Bytes. */
  videoPayloadBytes: number
  /** Resends and repair packets, of all packets of the last window. Share. */
  resentShare: number
  /** In the last window the application encoded at about what it was told. */
  isFollowed: boolean
  /** It would take more, and it is the path to the relay that does not give it. */
  wantsMore: boolean
}

type SentByLeg = Pick<SendLeg, "packetsSent" | "packetsResent" | "repairsSent">

interface Sent {
  audioBytes: number
  audioPackets: number
  videoBytes: number
  videoPackets: number
  legPackets: number
  legResent: number
}

const nothing: Sent = { audioBytes: 0, audioPackets: 0, videoBytes: 0, videoPackets: 0, legPackets: 0, legResent: 0 }

/** In front of every payload, on the wire. Bytes. */
const headerBytes = BandwidthEstimator.datagramOverheadBytes + HopFrame.headerBytes + RtpHeader.fixedHeaderBytes
/** Until video has been sent: packets that fill an Ethernet frame nearly. Bytes. */
const videoPayloadBytesInitial = 1100
/** Over which audio and packet sizes are measured. Milliseconds. */
const windowMs = 1000
/** Less is no video, and the application may as well switch it off. Bits a second. */
export const videoBpsMin = 30_000
/** An encoder need not be told of less. Share. */
const changeMin = 0.03
/** Resends take no more than this from the encoder. libwebrtc FecControllerDefault overhead_threshold_. Share. */
const resentShareMax = 0.5
/** Who sends at least this of what it was told does as it is told. Share. */
const followedFrom = 0.7

export const make = (): VideoRate => ({
  toldBps: NaN,
  before: { ...nothing },
  sinceMs: -Infinity,
  audioBps: 0,
  videoPayloadBytes: videoPayloadBytesInitial,
  resentShare: 0,
  isFollowed: false,
  wantsMore: false
})

/** Bits a second, with all headers. */
export interface Rates {
  /** Of the path to the relay, for everything. */
  readonly pathBps: number
  /** What receivers can take of our video; Infinity: that is not known. */
  readonly receiversBps: number
}

/** Call now and then with what is known, and the leg that the path is of. True when `toldBps` has become another. */
export const handleRates = (
  self: VideoRate,
  { pathBps, receiversBps }: Rates,
  sending: ReadonlyArray<SendingStream>,
  leg: SentByLeg,
  nowMs: number
): boolean => {
  if (nowMs - self.sinceMs >= windowMs) measure(self, sending, leg, nowMs)
  const payloadShare = self.videoPayloadBytes / (self.videoPayloadBytes + headerBytes)
  const freeBps = pathBps * (1 - self.resentShare) - self.audioBps
  self.wantsMore = self.isFollowed && freeBps <= receiversBps
  const videoBps = Math.max(videoBpsMin, Math.floor(Math.min(freeBps, receiversBps) * payloadShare))
  if (Math.abs(videoBps - self.toldBps) < changeMin * self.toldBps) return false
  self.toldBps = videoBps
  return true
}

const measure = (
  self: VideoRate,
  sending: ReadonlyArray<SendingStream>,
  { packetsResent, packetsSent, repairsSent }: SentByLeg,
  nowMs: number
): void => {
  const { before } = self
  const now = { ...nothing, legPackets: packetsSent, legResent: packetsResent + repairsSent }
  for (const { packets, payloadBytes, stream } of sending) {
    if (stream.kind === "audio") {
      now.audioBytes += payloadBytes
      now.audioPackets += packets
    } else {
      now.videoBytes += payloadBytes
      now.videoPackets += packets
    }
  }
  const audioPackets = now.audioPackets - before.audioPackets
  const audioBytes = now.audioBytes - before.audioBytes + headerBytes * audioPackets
  const videoPackets = now.videoPackets - before.videoPackets
  const videoBytes = now.videoBytes - before.videoBytes
  if (videoPackets > 0) self.videoPayloadBytes = videoBytes / videoPackets
  // The first window has no beginning.
  if (self.sinceMs > -Infinity) {
    const elapsedMs = nowMs - self.sinceMs
    self.audioBps = (audioBytes * 8000) / elapsedMs
    self.isFollowed = (videoBytes * 8000) / elapsedMs >= followedFrom * self.toldBps
  }
  // On a new leg they begin at 0 again.
  const resent = Math.max(0, now.legResent - before.legResent)
  const sent = Math.max(0, now.legPackets - before.legPackets)
  self.resentShare = resent === 0 ? 0 : Math.min(resentShareMax, resent / (sent + resent))
  Object.assign(before, now)
  self.sinceMs = nowMs
}
