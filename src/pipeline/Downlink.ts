import * as FairShare from "../media/FairShare.ts"
import * as Leg from "../media/Leg.ts"
import * as ReceiverRates from "../media/ReceiverRates.ts"
import * as RateNotice from "../media/RateNotice.ts"
import * as LayerForwarding from "./LayerForwarding.ts"
import type { RelayLeg } from "./RelayLeg.ts"
import * as StreamRate from "./StreamRate.ts"

/**
 * What a device's leg has for the video that it gets: the estimate of its path, less audio, less what is sent again, less
 * repair packets, divided among the streams. Owned by the leg; made when the path has been measured, for before that nobody is to be slow.
 */
export interface Downlink {
  /** The rate up to which each video stream is of use here, with all headers. Bits a second. */
  shareBps: number
  /** The estimate that it was computed from. */
  targetBps: number
  atMs: number
  /** What the leg had sent when the window began, which `repairShare` is measured over: packets, and resends and repair packets. */
  packetsBefore: number
  repairsBefore: number
  sinceMs: number
  /** Resends and repair packets, of all packets of the last window. */
  repairShare: number
}

/** The streams change too, and are measured over as long. Milliseconds. */
const updateMs = StreamRate.windowMs
/** Repair takes no more than this from video. libwebrtc FecControllerDefault overhead_threshold_. Share. */
const repairShareMax = 0.5
/** Who sends at least this share of what there is room for would send more. As in client/streams/VideoRate. */
const usedFrom = 0.7

const make = (): Downlink => ({
  shareBps: NaN,
  targetBps: NaN,
  atMs: -Infinity,
  packetsBefore: 0,
  repairsBefore: 0,
  sinceMs: -Infinity,
  repairShare: 0
})

/**
 * Whether there is something to be found out: asked with every report of the leg's receiver, who may report for every
 * datagram that it gets. What depends on it costs work for all who send to it.
 */
export const isDue = ({ downlink, hop: { send } }: RelayLeg, nowMs: number): boolean => {
  if (send.rate === undefined) return false
  const { acknowledged, targetBps } = send.rate.estimator
  // A leg that has just begun has a guess, and its probes are on their way.
  if (Number.isNaN(acknowledged.rateBps)) return false
  if (downlink === undefined || nowMs - downlink.atMs >= updateMs) return true
  if (nowMs - downlink.atMs < Leg.feedbackMs) return false
  return Math.abs(targetBps - downlink.targetBps) >= RateNotice.changeMin * downlink.targetBps
}

/** Brings it up to date, when that is due. */
export const update = (leg: RelayLeg, nowMs: number): void => {
  const { rate } = leg.hop.send
  if (rate === undefined) return
  const self = (leg.downlink ??= make())
  self.targetBps = rate.estimator.targetBps
  self.atMs = nowMs
  measureRepair(self, leg, nowMs)
  measureStreams(leg, nowMs)
  const freeBps = Math.max(0, self.targetBps * (1 - self.repairShare) - received.audioBps)
  self.shareBps = FairShare.shareBps(freeBps, received.demandsBps)
  const isUsed = received.videoBps > 0 && received.videoBps >= usedFrom * freeBps
  rate.estimator.wantsMore = isUsed || leg.wantsMore || leg.layers.some(({ selection }) => selection.wantsMore)
}

/** Scratch: what one leg gets. This runs too seldom to be compiled, and what is not compiled makes objects of numbers. */
const received = { audioBps: 0, videoBps: 0, demandsBps: new Array<number>() }

const measureStreams = (leg: RelayLeg, nowMs: number): void => {
  received.audioBps = 0
  received.videoBps = 0
  received.demandsBps.length = 0
  for (let i = 0; i < leg.sources.length; i++) {
    const { streams } = leg.sources[i]!
    for (let j = 0; j < streams.length; j++) {
      const stream = streams[j]!
      const { description, isSelected, packets, targets } = stream
      if (!targets.includes(leg)) continue
      const rate = (stream.rate ??= StreamRate.make())
      StreamRate.update(rate, stream, nowMs)
      const isKnown = !Number.isNaN(rate.rateBps)
      if (description.kind === "video") {
        // One that has just begun may need anything, and one that has never been seen nothing.
        const unknownBps = packets > 0 ? Infinity : 0
        if (!isSelected) received.demandsBps.push(isKnown ? FairShare.growthFactor * rate.rateBps : unknownBps)
        if (isKnown) received.videoBps += rate.rateBps
      } else if (isKnown) received.audioBps += rate.rateBps
    }
  }
  // Of a source with layers what it could use, not what it gets now: else the share would follow the choice that it decides.
  for (let i = 0; i < leg.layers.length; i++) {
    const one = leg.layers[i]!
    LayerForwarding.measure(one, nowMs)
    received.demandsBps.push(LayerForwarding.demandBps(one, nowMs))
  }
}

/** What the path is taken to carry before it has been measured. Bits a second. */
export const assumedBps = ({ hop: { send } }: RelayLeg): number => send.rate?.estimator.targetBps ?? send.startBps

/** NaN: not known, or too old. */
export const shareBps = (self: Downlink | undefined, nowMs: number): number =>
  self !== undefined && nowMs - self.atMs < ReceiverRates.forgottenAfterMs ? self.shareBps : NaN

const measureRepair = (self: Downlink, { hop: { send } }: RelayLeg, nowMs: number): void => {
  if (nowMs - self.sinceMs < StreamRate.windowMs) return
  const repairs = send.packetsResent + send.repairsSent
  const repaired = repairs - self.repairsBefore
  const sent = send.packetsSent - self.packetsBefore
  self.repairShare = repaired === 0 ? 0 : Math.min(repairShareMax, repaired / (sent + repaired))
  self.repairsBefore = repairs
  self.packetsBefore = send.packetsSent
  self.sinceMs = nowMs
}
