import { Result } from "effect"
import * as LegEstimates from "../../actor/LegEstimates.ts"
import * as CallDecision from "../../call/CallDecision.ts"
import { type CallState, empty } from "../../call/CallState.ts"
import { type ForwardingPlan, planOf } from "../../call/ForwardingPlan.ts"
import * as GroupDecisions from "../../call/GroupDecisions.ts"
import * as Subscription from "../../call/Subscription.ts"
import { KeyId } from "../../protocol/TokenClaims.ts"
import { RelayId } from "../../protocol/Ids.ts"
import * as EventHeap from "../EventHeap.ts"
import type { GroupCall } from "../GroupCall.ts"
import * as Random from "../Random.ts"
import * as Samples from "../Samples.ts"
import * as SimulcastCamera from "../SimulcastCamera.ts"
import * as GroupRelay from "./GroupRelay.ts"
import * as Way from "./Way.ts"

/**
 * The one who decides for a group, as actor/CallOwner does: relays report their devices every 200 ms, what is decided goes to
 * all of them as a plan, they tell the devices which video to send, and each way takes its time. Owned by one simulation.
 */
export interface GroupActor {
  readonly call: GroupCall
  readonly state: CallState
  readonly relays: ReadonlyArray<GroupRelay.GroupRelay>
  readonly decisions: GroupDecisions.GroupDecisions
  readonly estimates: LegEstimates.LegEstimates
  readonly options: Options
  readonly publish: Way.Way<ForwardingPlan>
  readonly direct: Way.Way<GroupRelay.Directive>
  /** What a device wants to see, from the device to here. */
  readonly subscribe: Way.Way<Subscription.LegSubscription>
  /** Whoever became dominant, and when. */
  readonly switches: Array<{ readonly device: number; readonly atMs: number }>
  /** How long each decision about video took. Microseconds. */
  readonly allocationMicros: Samples.Samples
}

export interface Options {
  readonly seed: string
  /** To a device, and from there. Milliseconds. */
  readonly accessMs: number
  /** How much time has passed, for what is measured of decisions; nothing else depends on it. Microseconds. */
  readonly elapsedMicros: () => number
}

/** As pipeline/CallUpkeep. Milliseconds. */
const reportEveryMs = 200
/** To another node of the same region, and there. Milliseconds. */
export const wayMs = 20

export const make = (call: GroupCall, options: Options): GroupActor => {
  const { heap, legs } = call
  const relays = relaysOf(call)
  const self: GroupActor = {
    call,
    state: stateOf(call),
    relays,
    decisions: GroupDecisions.make(),
    estimates: LegEstimates.make(),
    options,
    publish: Way.make(heap, wayMs, (plan, nowMs) => applyPlan(self, plan, nowMs)),
    direct: Way.make(heap, options.accessMs, (directive) => obey(self, directive)),
    subscribe: Way.make(heap, options.accessMs + wayMs, (said, nowMs) => {
      GroupDecisions.handleSubscriptions(self.decisions, self.state, Subscription.encode([said]))
      decide(self, nowMs)
    }),
    switches: [],
    allocationMicros: Samples.make()
  }
  const tell = Way.make<GroupRelay.Report>(heap, wayMs, (report, nowMs) => handleReport(self, report, nowMs))
  const report = EventHeap.register(heap, (place, nowMs) => {
    tell(GroupRelay.reportOf(relays[place]!, nowMs), nowMs)
    EventHeap.schedule(heap, nowMs + reportEveryMs, report, place)
  })
  const phases = Random.make(options.seed, "reports")
  legs.forEach((_, place) => EventHeap.schedule(heap, reportEveryMs * Random.uniform(phases), report, place))
  for (const relay of relays) GroupRelay.applyPlan(relay, planOf(self.state), 0)
  return self
}

const idOf = (place: number): RelayId => RelayId.make(`relay ${place}`)
const addressOf = (place: number): string => `198.51.100.${place}:3478`

const relaysOf = ({ legs, relays, trunks }: GroupCall): ReadonlyArray<GroupRelay.GroupRelay> =>
  relays.map((relay, here) => {
    const toOthers = [...trunks[here]!].map(([there, leg]) => ({ to: idOf(there), address: addressOf(there), leg }))
    return GroupRelay.make(idOf(here), relay, legs[here]!.filter(GroupRelay.isDevice), toOthers)
  })

/** Everybody in it, as they joined. */
const stateOf = ({ legs, trunks }: GroupCall): CallState => {
  const places = legs.map((_, place) => {
    const [trunk] = trunks[place]!.values()
    return { id: idOf(place), address: addressOf(place), tag: trunk?.receiveTag ?? place + 1 }
  })
  const joins = legs.flatMap((ofRelay, place) =>
    ofRelay.filter(GroupRelay.isDevice).map((leg) => ({
      id: leg.participant,
      callClass: "group-video" as const,
      keyId: KeyId.make("lab"),
      tokenExpiresAtSeconds: 0,
      relay: places[place]!,
      address: "198.51.100.1:1",
      legTag: leg.receiveTag,
      deviceLegTag: leg.sendTag,
      streams: leg.streams.map(({ description }) => description)
    }))
  )
  return joins.reduce((state, join) => Result.getOrThrow(CallDecision.join(state, join, 1)).state, empty)
}

const handleReport = (self: GroupActor, report: GroupRelay.Report, nowMs: number): void => {
  const { decisions, estimates, state } = self
  LegEstimates.handleReport(estimates, report.estimates, nowMs)
  GroupDecisions.handleVolumes(decisions, state, report.volumes, nowMs)
  GroupDecisions.handleUplinks(decisions, state, report.uplinks)
  decide(self, nowMs)
}

const decide = (self: GroupActor, nowMs: number): void => {
  const { allocationMicros, decisions, estimates, options, publish, state, switches } = self
  const downlinksBps = LegEstimates.downlinksBps(estimates, state, nowMs)
  const videoBeforeMs = decisions.videoAtMs
  const sinceMicros = options.elapsedMicros()
  const isNew = GroupDecisions.decide(decisions, state, downlinksBps, nowMs)
  if (decisions.videoAtMs !== videoBeforeMs && decisions.decision.video !== undefined) {
    Samples.add(allocationMicros, options.elapsedMicros() - sinceMicros)
  }
  if (isNew) publish(planOf(state, decisions.decision), nowMs)
  const dominant = decisions.speakers?.dominant.dominant
  const device = dominant === undefined ? -1 : numberOf(dominant)
  if (device !== (switches.at(-1)?.device ?? -1)) switches.push({ device, atMs: nowMs })
}

/** As pipeline/CallSessions: what is new to a device goes to it at once. */
const applyPlan = ({ direct, relays }: GroupActor, plan: ForwardingPlan, nowMs: number): void => {
  for (const relay of relays) for (const news of GroupRelay.applyPlan(relay, plan, nowMs)) direct(news, nowMs)
}

const obey = ({ call }: GroupActor, { allocation, leg }: GroupRelay.Directive): void => {
  const { camera } = call.devices[numberOf(leg.participant)]!
  if (camera !== undefined) SimulcastCamera.handleAllocation(camera, allocation)
}

/** Of a participant as LabRelay names it. */
const numberOf = (participant: string): number => Number(participant.split(" ")[1])
