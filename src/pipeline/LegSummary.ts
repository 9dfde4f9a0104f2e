import type { LegEstimate } from "../call/LegEstimate.ts"
import * as BandwidthEstimator from "../media/bandwidth/BandwidthEstimator.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"
import type { DeviceLeg } from "./RelayLeg.ts"
import * as StreamRate from "./StreamRate.ts"

/** What is measured of one device's leg for the call's actor, and what that has been told last. */
export interface LegSummary {
  readonly uplink: StreamRate.StreamRate
  /** When the window began: repair sequence, packets that came at once; frames reported, and lost. */
  highestBefore: number
  promptBefore: number
  reportedBefore: number
  reportedLostBefore: number
  sinceMs: number
  /** `undefined`: nothing yet. */
  told: LegEstimate | undefined
  toldAtMs: number
}

/** Over which losses and rates are measured, so a leg has no more than one news in it. Milliseconds. */
const windowMs = 1000
/** What stays as it is. Milliseconds. */
const repeatMs = 5000
/** What is no news: a share of a rate or round trip, points of loss, milliseconds of a short round trip. */
const changeMin = 0.1
/** Of a downlink this is news at once. Share. */
const suddenChangeMin = 0.2
const lossChangeMin = 0.01
const roundTripChangeMsMin = 5

export const make = (): LegSummary => ({
  uplink: StreamRate.make(),
  highestBefore: 0,
  promptBefore: 0,
  reportedBefore: 0,
  reportedLostBefore: 0,
  sinceMs: NaN,
  told: undefined,
  toldAtMs: -Infinity
})

/** Call now and then. What is to be told, or `undefined`: it is known already, or not yet. */
export const poll = (self: LegSummary, leg: DeviceLeg, nowMs: number): LegEstimate | undefined => {
  if (nowMs - self.sinceMs < windowMs) return suddenly(self, leg, nowMs)
  // The first window has no beginning.
  const isFirst = Number.isNaN(self.sinceMs)
  const estimate = measure(self, leg, nowMs)
  if (isFirst) return undefined
  if (self.told !== undefined && !isNews(estimate, self.told) && nowMs - self.toldAtMs < repeatMs) return undefined
  self.told = estimate
  self.toldAtMs = nowMs
  return estimate
}

/** Which video fits depends on it: that it has fallen or risen by much is not kept until the window ends. */
const suddenly = (self: LegSummary, { hop }: DeviceLeg, nowMs: number): LegEstimate | undefined => {
  const { told } = self
  const downlinkBps = downlinkOf(hop)
  if (told === undefined || !differs(downlinkBps, told.downlinkBps, 0, suddenChangeMin)) return undefined
  self.told = { ...told, downlinkBps }
  self.toldAtMs = nowMs
  return self.told
}

const measure = (self: LegSummary, { hop, receiveTag, streams }: DeviceLeg, nowMs: number): LegEstimate => {
  const { receive, roundTrip, send } = hop
  const bytes = streams.reduce((sum, stream) => sum + stream.bytes, 0)
  const packets = streams.reduce((sum, stream) => sum + stream.packets, 0)
  StreamRate.update(self.uplink, { bytes, packets, discardableBytes: 0 }, nowMs)
  const prompt = receive.packetsReceived - receive.packetsRepaired - receive.packetsRecovered
  const estimate = {
    legTag: receiveTag,
    uplinkBps: self.uplink.rateBps,
    downlinkBps: downlinkOf(hop),
    uplinkLossRatio: lossRatio(
      SequenceNumber.distance(self.highestBefore, receive.nacks.highest),
      prompt - self.promptBefore
    ),
    downlinkLossRatio: shareOf(
      send.framesReportedLost - self.reportedLostBefore,
      send.framesReported - self.reportedBefore
    ),
    roundTripMs: roundTrip.smoothedMs ?? 0
  }
  self.highestBefore = receive.nacks.highest
  self.promptBefore = prompt
  self.reportedBefore = send.framesReported
  self.reportedLostBefore = send.framesReportedLost
  self.sinceMs = nowMs
  return estimate
}

const downlinkOf = ({ send: { rate } }: DeviceLeg["hop"]): number =>
  rate === undefined ? 0 : BandwidthEstimator.capacityBps(rate.estimator)

/** RFC 3550 section 6.4.1, fraction lost: of what was expected. What is out of order may make it less than nothing. */
const lossRatio = (expected: number, received: number): number => shareOf(expected - received, expected)

const shareOf = (part: number, whole: number): number => (whole <= 0 ? 0 : Math.min(1, Math.max(0, part / whole)))

const isNews = (now: LegEstimate, told: LegEstimate): boolean =>
  differs(now.uplinkBps, told.uplinkBps, 0) ||
  differs(now.downlinkBps, told.downlinkBps, 0) ||
  differs(now.roundTripMs, told.roundTripMs, roundTripChangeMsMin) ||
  Math.abs(now.uplinkLossRatio - told.uplinkLossRatio) >= lossChangeMin ||
  Math.abs(now.downlinkLossRatio - told.downlinkLossRatio) >= lossChangeMin

const differs = (now: number, told: number, atLeast: number, share = changeMin): boolean =>
  Math.abs(now - told) > Math.max(atLeast, share * told)
