import { Effect, Queue } from "effect"
import * as BandwidthEstimator from "../../media/bandwidth/BandwidthEstimator.ts"
import * as Leg from "../../media/Leg.ts"
import * as RateNotice from "../../media/RateNotice.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import type { ReceivedPacket } from "../streams/ReceivedPacket.ts"
import * as ReceivingStreams from "../streams/ReceivingStreams.ts"
import * as VideoRate from "../streams/VideoRate.ts"
import * as CallCore from "./CallCore.ts"
import type { DevicePort } from "./DevicePort.ts"
import * as Liveness from "./Liveness.ts"
import * as PathProbe from "./PathProbe.ts"
import * as Pings from "./Pings.ts"
import type * as Session from "./Session.ts"
import * as Subscribing from "./Subscribing.ts"
import * as Transactions from "./Transactions.ts"
import * as VideoSending from "./VideoSending.ts"

/** Finer than any deadline needs. Milliseconds. */
const tickMsMin = 5
/** While nothing flows nothing is due sooner; what begins to flow meanwhile is noticed after this. Milliseconds. */
const tickMsMax = 50

/** Does what is due: feedback, requests, padding, gaps that are given up, pings. Until the client has ended. */
export const run = (core: CallCore.CallCore, device: DevicePort): Effect.Effect<void> =>
  Effect.suspend(() => {
    poll(core, device, core.nowMs())
    return device.batches.timers.count > 0 ? device.send(device.batches.timers) : Effect.void
  }).pipe(
    Effect.andThen(Effect.suspend(() => Effect.sleep(tickMs(core, core.nowMs())))),
    Effect.repeat({ while: () => !core.hasEnded })
  )

const tickMs = (core: CallCore.CallCore, nowMs: number): number => {
  let deadlineMs = ReceivingStreams.nextDeadlineMs(core.receiving)
  for (const { hop } of core.sessions) deadlineMs = Math.min(deadlineMs, Leg.nextDeadlineMs(hop))
  const newest = core.sessions[0]
  if (newest !== undefined) {
    const silenceMs = CallCore.silenceMs(core, nowMs)
    deadlineMs = Math.min(deadlineMs, Liveness.nextDeadlineMs(core.liveness, CallCore.signsOf(newest), silenceMs))
  }
  return Math.min(tickMsMax, Math.max(tickMsMin, deadlineMs - nowMs))
}

const poll = (core: CallCore.CallCore, device: DevicePort, nowMs: number): void => {
  const { batches, resources } = device
  if (!core.isLeaving) for (const { hop } of core.sessions) Leg.poll(hop, resources, nowMs, batches.timers)
  const ready: Array<ReceivedPacket> = []
  ReceivingStreams.poll(core.receiving, nowMs, ready)
  CallCore.deliver(core, ready)
  Transactions.forgetExpired(core.transactions, nowMs)
  CallCore.dropOldSessions(core, nowMs)
  const newest = core.sessions[0]
  if (newest === undefined) return
  pollLiveness(core, newest, device, nowMs)
  adviseVideo(core, newest, nowMs)
  const switched = VideoSending.poll(core.videoSending, newest, nowMs)
  if (switched !== undefined) CallCore.publishAllocation(core, switched)
  if (core.isLeaving) return
  PathProbe.poll(core, newest, resources.rings.memory, nowMs, batches.timers)
  Subscribing.poll(core, newest, resources.rings.memory, nowMs, batches.timers)
}

const adviseVideo = (
  { receiverRates, sending, videoRate, videoRates, videoSending }: CallCore.CallCore,
  { hop, uplink }: Session.Session,
  nowMs: number
) => {
  const { rate } = hop.send
  if (rate === undefined) return
  const pathBps = rate.estimator.targetBps
  RateNotice.handleRate(uplink, BandwidthEstimator.capacityBps(rate.estimator), nowMs)
  const receiversBps = VideoSending.usefulBps(videoSending, sending, receiverRates, nowMs)
  const rates = { pathBps, receiversBps }
  const isNews = VideoRate.handleRates(videoRate, rates, sending, hop.send, nowMs)
  if (isNews) videoRates.publish(videoRate.toldBps)
  rate.estimator.wantsMore = videoRate.wantsMore
}

const pollLiveness = (core: CallCore.CallCore, session: Session.Session, device: DevicePort, nowMs: number): void => {
  const step = Liveness.poll(core.liveness, CallCore.signsOf(session), CallCore.silenceMs(core, nowMs), nowMs)
  if (step.change === "suspected") {
    core.connection.publish({ _tag: "Suspect", relay: PackedAddress.format(session.relay) })
  }
  if (step.change === "recovered") CallCore.publishMapped(core, "Connected", session)
  if (step.ping) Pings.send(core, session, device.resources.rings.memory, nowMs, device.batches.timers)
  if (step.isLost) Queue.offerUnsafe(core.handovers, { _tag: "RelayLost", session })
}
