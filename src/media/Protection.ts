import * as Feedback from "../protocol/Feedback.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import type * as PacketBatch from "../sockets/PacketBatch.ts"
import { datagramOverheadBytes } from "./bandwidth/BandwidthEstimator.ts"
import { Usage } from "./bandwidth/OveruseDetector.ts"
import * as FecEncoder from "./fec/FecEncoder.ts"
import * as ProtectionControl from "./fec/ProtectionControl.ts"
import type { LegResources } from "./Leg.ts"
import * as PacketRing from "./PacketRing.ts"
import type { PacketRings } from "./PacketRings.ts"
import type { ReportedLoss } from "./ReportedLoss.ts"
import * as SecondResends from "./SecondResends.ts"
import * as SendLeg from "./SendLeg.ts"
import type { SendRate } from "./SendRate.ts"

/**
 * Repair packets on a leg that loses what resends do not bring in time: docs/algorithms/repair-interplay.md. A leg has
 * none before it has lost something, nor without video: voices have copies of their own (AudioCopies). Owned by one leg's
 * sender, changed in place.
 */
export interface Protection {
  readonly control: ProtectionControl.ProtectionControl
  /** `undefined` while it is off. */
  encoder: FecEncoder.FecEncoder | undefined
  /** `undefined` while little is lost. */
  seconds: SecondResends.SecondResends | undefined
  /** Scratch. */
  readonly report: ProtectionControl.Report
  /**
   * What was sent for the first time, headers of IP and UDP included, and what was sent again too late, since the last report.
   */
  mediaBytes: number
  mediaPackets: number
  lateBefore: number
  /** Of the newest seconds, the older the less: packets, those of them that came too late, and the rate. */
  recentPackets: number
  recentLate: number
  mediaBps: number
  /** Of all frames of the newest seconds: how many were sent, and how many reports have told of. */
  recentFrames: number
  recentReported: number
  nextHopBefore: number
  reportedAtMs: number
}

/** Time constants of the share of packets and of the rate. Milliseconds. */
const packetsSpanMs = 5000
const rateSpanMs = 1000
/** As many packets are needed to speak of a share of half a per cent. */
const packetsMin = 400
/** Where fewer than twice as many are counted, as on a leg of 75 packets a second, they count for longer. Milliseconds. */
const packetsSpanSlowMs = 20_000
/** Media and repair packets together take no more than so many times what the path carries. The pacer lets 2.5 pass. */
const carriedFactor = 2
/** Loss is self-made when the leg sends so much more than the path carries. */
const overloadFactor = 1.25
/** Share of a batch that repair packets may fill. */
const batchShare = 0.5

const make = (send: SendLeg.SendLeg, nowMs: number): Protection => ({
  // A trunk carries more packets than can be multiplied.
  control: ProtectionControl.make(send.kind.isTrunk),
  encoder: undefined,
  seconds: undefined,
  report: {
    packets: 0,
    lossRatio: 0,
    meanBurst: 0,
    roundTripMs: 0,
    blockPackets: 0,
    residualLossRatio: 0,
    isOverusing: false,
    isWithheld: false,
    budgetShare: 0
  },
  mediaBytes: 0,
  mediaPackets: 0,
  lateBefore: send.packetsResentLate,
  recentPackets: 0,
  recentLate: 0,
  mediaBps: 0,
  recentFrames: 0,
  recentReported: 0,
  nextHopBefore: send.nextHop,
  reportedAtMs: nowMs
})

/** Call with every report of the leg's receiver, when the estimate has been brought up to date. */
export const handleReport = (
  send: SendLeg.SendLeg,
  { repairWork, rings, withheld }: LegResources,
  loss: ReportedLoss,
  roundTripMs: number,
  nowMs: number
): void => {
  const { kind, rate } = send
  if (loss.packets === 0 || rate === undefined) return
  if (send.protection === undefined) {
    if (loss.reportedLossRatio === 0) return
    send.protection = make(send, nowMs)
  }
  const self = send.protection
  measure(self, send, loss.packets, nowMs)
  const { control, report } = self
  report.packets = loss.packets
  report.lossRatio = loss.reportedLossRatio
  report.meanBurst = loss.meanBurst
  report.roundTripMs = roundTripMs
  report.blockPackets = self.encoder === undefined ? FecEncoder.blockPacketsInitial : self.encoder.blockPackets
  report.residualLossRatio = self.recentPackets < packetsMin ? 0 : self.recentLate / self.recentPackets
  report.isOverusing = isOverusing(self, rate)
  report.isWithheld = withheld.fec
  report.budgetShare = self.mediaBps === 0 ? 1 : (carriedFactor * carriedBps(self, rate)) / self.mediaBps - 1
  ProtectionControl.handleReport(control, report, nowMs)
  if (ProtectionControl.recentLossRatio(control) < SecondResends.lossRatioMin) self.seconds = undefined
  else self.seconds ??= SecondResends.make()
  if (!control.isOn) {
    self.encoder = undefined
    return
  }
  self.encoder ??= FecEncoder.make(rings, repairWork, kind)
  self.encoder.ratio = control.ratio
  self.encoder.isParityOnly = control.kind === "Parity"
  self.encoder.blockMs = control.blockMs
  self.encoder.frameEndAfterMs = control.frameEndAfterMs
}

/**
 * A queue that grows; or far more is sent than the path is believed to carry, as by a relay, whose media does not follow its
 * estimate.
 */
const isOverusing = (self: Protection, rate: SendRate): boolean =>
  rate.estimator.delay.usage === Usage.Overusing || self.mediaBps > overloadFactor * carriedBps(self, rate)

/**
 * What the path is believed to carry; or what arrives, when that is more: at the beginning the estimate is a guess. What the
 * lost reports were about has arrived like the rest.
 */
const carriedBps = (self: Protection, { estimator: { acknowledged, targetBps } }: SendRate): number => {
  const reportedShare = Math.min(1, self.recentReported / self.recentFrames)
  const arrivedBps = acknowledged.rateBps / reportedShare
  return arrivedBps > targetBps ? arrivedBps : targetBps
}

const measure = (
  self: Protection,
  { kind: { mask }, nextHop, packetsResentLate }: SendLeg.SendLeg,
  framesReported: number,
  nowMs: number
): void => {
  const elapsedMs = nowMs - self.reportedAtMs
  if (!(elapsedMs > 0)) {
    self.recentReported += framesReported
    return
  }
  const spanMs = self.recentPackets < 2 * packetsMin ? packetsSpanSlowMs : packetsSpanMs
  const keep = Math.max(0, 1 - elapsedMs / spanMs)
  self.recentPackets = keep * self.recentPackets + self.mediaPackets
  self.recentFrames = keep * self.recentFrames + ((nextHop - self.nextHopBefore) & mask)
  self.recentReported = keep * self.recentReported + framesReported
  self.recentLate = keep * self.recentLate + packetsResentLate - self.lateBefore
  const share = Math.min(1, elapsedMs / rateSpanMs)
  self.mediaBps += share * ((self.mediaBytes * 8000) / elapsedMs - self.mediaBps)
  self.nextHopBefore = nextHop
  self.lateBefore = packetsResentLate
  self.mediaBytes = 0
  self.mediaPackets = 0
  self.reportedAtMs = nowMs
}

/** Call when a packet has been sent for the first time, under the newest repair sequence. */
export const handleSent = (
  send: SendLeg.SendLeg,
  tag: number,
  ring: PacketRing.PacketRing,
  packet: number,
  type: number,
  descriptor: number,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  const { kind, protection } = send
  if (protection === undefined) return
  protection.mediaPackets++
  // As the estimate counts.
  protection.mediaBytes += datagramOverheadBytes + kind.headerBytes + PacketRing.lengthOf(ring, packet)
  const { encoder } = protection
  if (encoder === undefined) return
  FecEncoder.handlePacket(encoder, send.lastRepair, packet, type, descriptor, tag | 0, nowMs)
  if (encoder.deadlineMs <= nowMs) close(send, encoder, nowMs, out)
}

/** Ends a block that has lasted long enough, and sends resends for the second time. */
export const poll = (send: SendLeg.SendLeg, rings: PacketRings, nowMs: number, out: PacketBatch.SendBatch): void => {
  if (send.protection === undefined) return
  const { encoder, seconds } = send.protection
  if (encoder !== undefined && encoder.deadlineMs <= nowMs) close(send, encoder, nowMs, out)
  if (seconds === undefined) return
  while (seconds.deadlineMs <= nowMs) SendLeg.resendTwice(send, rings, SecondResends.take(seconds), nowMs, out)
}

/**
 * Sends the repair packets of the block. They wait for nothing, for later they are of no use; but the pacer counts them, so
 * video that comes next waits for them.
 */
const close = (
  send: SendLeg.SendLeg,
  encoder: FecEncoder.FecEncoder,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  // There has to be room for a report.
  const freeBytes = out.scratchBytes - out.scratchUsed - Feedback.frameBytesMax
  const bytesMax = out.count >= out.capacity * batchShare ? 0 : freeBytes
  const offset = out.scratchOffset + out.scratchUsed
  const count = FecEncoder.close(encoder, offset, bytesMax)
  const { bodyBytes } = encoder
  out.scratchUsed += count * bodyBytes
  const type = HopFrame.typeByte(HopFrame.FrameType.ForwardErrorCorrection, 0)
  for (let i = 0; i < count; i++) {
    SendLeg.writeFrame(send, send.legTag, type, 0, send.lastRepair, offset + i * bodyBytes, bodyBytes, nowMs, out)
  }
  send.repairsSent += count
}
