import { Result } from "effect"
import * as CallDecision from "../../call/CallDecision.ts"
import { type CallState, empty } from "../../call/CallState.ts"
import { planOf } from "../../call/ForwardingPlan.ts"
import * as GroupDecisions from "../../call/GroupDecisions.ts"
import * as Volumes from "../../call/Volumes.ts"
import * as VolumeMeter from "../../media/VolumeMeter.ts"
import type { RelayLeg } from "../../pipeline/RelayLeg.ts"
import * as RelayStream from "../../pipeline/RelayStream.ts"
import { KeyId } from "../../protocol/TokenClaims.ts"
import { RelayId } from "../../protocol/Ids.ts"
import * as EventHeap from "../EventHeap.ts"
import type { GroupCall } from "../GroupCall.ts"
import * as Random from "../Random.ts"

/**
 * The one who decides for a group, as actor/CallOwner does: relays report the levels of their devices every 200 ms, what is
 * decided goes to all of them as a plan, and each way takes its time. Owned by one simulation.
 */
export interface GroupActor {
  readonly call: GroupCall
  readonly state: CallState
  readonly decisions: GroupDecisions.GroupDecisions
  /** Reports and plans on their way, the oldest first: all take as long. */
  readonly reports: Array<Uint8Array>
  readonly plans: Array<ReturnType<typeof planOf>>
  /** Whoever became dominant, and when. */
  readonly switches: Array<{ readonly device: number; readonly atMs: number }>
}

/** As pipeline/CallUpkeep. Milliseconds. */
const reportEveryMs = 200
/** To another node of the same region, and there. Milliseconds. */
const wayMs = 20

export const make = (call: GroupCall, seed: string): GroupActor => {
  const { heap, legs } = call
  const self: GroupActor = {
    call,
    state: stateOf(legs),
    decisions: GroupDecisions.make(),
    reports: [],
    plans: [],
    switches: []
  }
  const arrive = EventHeap.register(heap, (_, nowMs) => {
    decide(self, nowMs)
    if (self.plans.length > 0) EventHeap.schedule(heap, nowMs + wayMs, apply, 0)
  })
  const apply = EventHeap.register(heap, (_, nowMs) => applyPlan(self, nowMs))
  const report = EventHeap.register(heap, (relay, nowMs) => {
    self.reports.push(volumesOf(legs[relay]!))
    EventHeap.schedule(heap, nowMs + wayMs, arrive, 0)
    EventHeap.schedule(heap, nowMs + reportEveryMs, report, relay)
  })
  const phases = Random.make(seed, "reports")
  legs.forEach((_, relay) => EventHeap.schedule(heap, reportEveryMs * Random.uniform(phases), report, relay))
  return self
}

const isDevice = (leg: RelayLeg): leg is RelayLeg & { readonly participant: NonNullable<RelayLeg["participant"]> } =>
  leg.participant !== undefined

/** Everybody in it, as they joined. */
const stateOf = (legs: GroupCall["legs"]): CallState => {
  const relays = legs.map((_, place) => ({
    id: RelayId.make(`relay ${place}`),
    address: `198.51.100.${place}:3478`,
    tag: place
  }))
  const joins = legs.flatMap((ofRelay, place) =>
    ofRelay.filter(isDevice).map((leg) => ({
      id: leg.participant,
      callClass: "group-video" as const,
      keyId: KeyId.make("lab"),
      tokenExpiresAtSeconds: 0,
      relay: relays[place]!,
      address: "198.51.100.1:1",
      legTag: leg.receiveTag,
      deviceLegTag: leg.sendTag,
      streams: leg.streams.map(({ description }) => description)
    }))
  )
  return joins.reduce((state, join) => Result.getOrThrow(CallDecision.join(state, join, 1)).state, empty)
}

const volumesOf = (legs: ReadonlyArray<RelayLeg>): Uint8Array =>
  Volumes.encode(
    legs.filter(isDevice).flatMap(({ receiveTag: legTag, streams }) => {
      const voice = streams.find(({ gate }) => gate?.volume.isKnown)?.gate
      return voice === undefined ? [] : [{ legTag, levels: VolumeMeter.take(voice.volume) }]
    })
  )

const decide = (self: GroupActor, nowMs: number): void => {
  const { decisions, plans, reports, state, switches } = self
  GroupDecisions.handleVolumes(decisions, state, reports.shift()!, nowMs)
  if (GroupDecisions.decide(decisions, state, new Map(), nowMs)) plans.push(planOf(state, decisions.decision))
  const dominant = decisions.speakers?.dominant.dominant
  const device = dominant === undefined ? -1 : Number(dominant.split(" ")[1])
  if (device !== (switches.at(-1)?.device ?? -1)) switches.push({ device, atMs: nowMs })
}

const applyPlan = ({ call, plans }: GroupActor, nowMs: number): void => {
  const plan = plans.shift()
  if (plan === undefined) return
  const planned = new Set(plan.rows.filter(({ to }) => to.length > 0).map(({ ssrc }) => ssrc))
  for (const leg of call.legs.flat()) {
    for (const stream of leg.streams) {
      RelayStream.route(stream, leg.sources, planned.has(stream.description.ssrc), nowMs)
    }
  }
}
