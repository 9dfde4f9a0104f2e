import * as OveruseDetector from "./OveruseDetector.ts"
import * as PacketGroups from "./PacketGroups.ts"
import * as RateControl from "./RateControl.ts"
import type { ReportedPacket } from "./ReportedPacket.ts"
import * as Trendline from "./Trendline.ts"

/**
 * How much the path of one leg carries, by how delay develops on it: packets in groups, a line through their delays, a
 * detector, and a rate. docs/algorithms/delay-based-estimation.md. Owned by exactly one leg's sender and changed in place.
 */
export interface DelayBasedEstimator {
  /** Bits a second. */
  targetBps: number
  usage: OveruseDetector.Usage
  /** With the last report the queue of an overuse has emptied: the path may carry more again, and a probe can tell. */
  hasRecovered: boolean
  readonly groups: PacketGroups.PacketGroups
  readonly trendline: Trendline.Trendline
  readonly detector: OveruseDetector.OveruseDetector
  readonly rate: RateControl.RateControl
  /** When the last arrival was heard of. Milliseconds. */
  lastPacketAtMs: number
  /** Packets since the last report: one without any says nothing. */
  packets: number
  recovery: Recovery
}

/** How far the last overuse has been got over. */
const Recovery = { None: 0, Overused: 1, Emptying: 2, Emptied: 3 } as const
type Recovery = (typeof Recovery)[keyof typeof Recovery]

/** What the sender knows when a report comes. */
export interface ReportInput extends RateControl.ReportInput {
  /** What a probe that this report has completed has shown. Bits a second; NaN: there is none. */
  readonly probeBps: number
  /** What a queue that is being emptied has shown, see QueueDrain. Bits a second; NaN: there is none. */
  readonly drainedBps: number
}

/** After this long without a packet the path may be another. libwebrtc DelayBasedBwe kStreamTimeOut. Milliseconds. */
const quietAfterMs = 2000
/** An overuse before anything is known of what arrives. libwebrtc DelayBasedBwe::MaybeUpdateEstimate. */
const unknownDecreaseFactor = 0.5

export const make = (options: RateControl.Options): DelayBasedEstimator => {
  const rate = RateControl.make(options)
  return {
    targetBps: rate.estimateBps,
    usage: OveruseDetector.Usage.Normal,
    hasRecovered: false,
    groups: PacketGroups.make(),
    trendline: Trendline.make(),
    detector: OveruseDetector.make(),
    rate,
    lastPacketAtMs: -Infinity,
    packets: 0,
    recovery: Recovery.None
  }
}

/** Call for every packet that a report says has arrived, in the order of sending, and then `handleReport`. */
export const handlePacket = (self: DelayBasedEstimator, packet: ReportedPacket, nowMs: number): void => {
  const { detector, groups, trendline } = self
  if (nowMs - self.lastPacketAtMs > quietAfterMs) restart(self)
  self.lastPacketAtMs = nowMs
  self.packets++
  if (!PacketGroups.handlePacket(groups, packet, nowMs)) return
  Trendline.handleDelta(trendline, groups)
  OveruseDetector.handleTrend(detector, trendline, groups)
  if (detector.usage !== self.usage) handleUsage(self, detector.usage)
}

/** Call when all packets of a report have been handled. */
export const handleReport = (self: DelayBasedEstimator, input: ReportInput, nowMs: number): void => {
  self.hasRecovered = false
  if (self.packets === 0) return
  self.packets = 0
  const { rate, usage } = self
  if (!Number.isNaN(input.drainedBps)) {
    // Less is sent than fits: what arrives on either side of that, and how delay changes, say nothing of the path.
    RateControl.holdAt(rate, input.drainedBps, nowMs)
  } else if (usage === OveruseDetector.Usage.Overusing) {
    // What a probe shows while the queue grows is what made it grow.
    if (RateControl.isTimeToDecrease(rate, input, nowMs)) {
      if (!Number.isNaN(input.acknowledgedBps)) RateControl.handleUsage(rate, usage, input, nowMs)
      else RateControl.setEstimate(rate, unknownDecreaseFactor * rate.estimateBps, nowMs)
    }
  } else if (Number.isNaN(input.probeBps)) RateControl.handleUsage(rate, usage, input, nowMs)
  else RateControl.setEstimate(rate, input.probeBps, nowMs)
  self.targetBps = rate.estimateBps
  if (self.recovery === Recovery.Emptied) {
    self.hasRecovered = true
    self.recovery = Recovery.None
  }
}

/** Overusing, underusing, normal: only who has seen the queue empty knows that it has. */
const handleUsage = (self: DelayBasedEstimator, usage: OveruseDetector.Usage): void => {
  self.usage = usage
  if (usage === OveruseDetector.Usage.Overusing) self.recovery = Recovery.Overused
  else if (usage === OveruseDetector.Usage.Underusing) {
    if (self.recovery === Recovery.Overused) self.recovery = Recovery.Emptying
  } else if (self.recovery === Recovery.Emptying) self.recovery = Recovery.Emptied
}

/** The rate stays: nothing has shown that it is wrong. */
const restart = (self: DelayBasedEstimator): void => {
  PacketGroups.restart(self.groups)
  Trendline.restart(self.trendline)
  OveruseDetector.restart(self.detector)
  self.usage = OveruseDetector.Usage.Normal
  self.recovery = Recovery.None
}
