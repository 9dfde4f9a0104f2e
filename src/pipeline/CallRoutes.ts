import { audibleMax } from "../call/AudibleSpeakers.ts"
import { type ForwardingPlan, nextRelay, type PlanRow } from "../call/ForwardingPlan.ts"
import type { ParticipantId, RelayId } from "../protocol/Ids.ts"
import type { LocalCall } from "./CallTable.ts"
import type { Forwarding } from "./Forwarding.ts"
import * as LayerRoutes from "./LayerRoutes.ts"
import * as LegTable from "./LegTable.ts"
import * as Lingering from "./Lingering.ts"
import * as RelayLeg from "./RelayLeg.ts"
import * as RelayStream from "./RelayStream.ts"
import * as TrunkTable from "./TrunkTable.ts"
import * as VoiceGate from "./VoiceGate.ts"

/** What the rows of all plans are made of. */
export interface Routing {
  readonly relayId: RelayId
  readonly forwarding: Pick<Forwarding, "legs" | "timers">
  readonly trunks: TrunkTable.TrunkTable
  readonly lingering: Lingering.Lingering
}

/** Makes the rows of the call's plan into references, for the legs that are here and the trunks to the others. */
export const connect = (self: Routing, call: LocalCall, nowMs: number): void => {
  const { plan } = call
  if (plan === undefined) return
  connectTrunks(self, call, plan, nowMs)
  const relays = new Map(plan.participants.map(({ id, relay }) => [id, relay]))
  placeStreams(self, call, plan)

  const sources = new Map<RelayLeg.RelayLeg, Array<RelayLeg.RelayLeg>>()
  const legs = [...[...call.sessions.values()].map(({ leg }) => leg), ...trunkLegsOf(call)]
  const unrouted = new Set<RelayStream.RelayStream>()
  for (const leg of legs) {
    sources.set(leg, [])
    for (const stream of leg.streams) unrouted.add(stream)
  }
  const voices = VoiceGate.makeVoices(hasTooManyVoices(plan))
  for (const row of plan.rows) {
    const from = sourceOf(self, call, plan, relays.get(row.from), row.from)
    const stream = from && RelayLeg.findStream(from, row.ssrc)
    if (from === undefined || stream === undefined) continue
    const isPlanned = row.to.length > 0
    // Audio that the plan holds back may be let through for a moment, and then to everybody.
    const to = isPlanned || stream.gate === undefined ? row.to : plan.participants.map(({ id }) => id)
    const audience = targetsOf(self, call, plan, relays, { ...row, to }, from)
    RelayStream.route(stream, audience, isPlanned, nowMs, voices)
    unrouted.delete(stream)
    for (const target of audience) {
      const known = sources.get(target)
      if (known !== undefined && !known.includes(from)) known.push(from)
    }
  }
  for (const stream of unrouted) RelayStream.route(stream, [], false, nowMs)
  for (const [leg, of] of sources) leg.sources = of
  const senders = plan.participants.flatMap(({ id, relay, streams }) => {
    const from = sourceOf(self, call, plan, relay, id)
    return from === undefined ? [] : [{ from, streams }]
  })
  const devices = [...call.sessions.values()].map(({ leg }) => leg)
  for (const { id, wantsMore } of plan.participants) {
    const device = call.sessions.get(id)?.leg
    if (device !== undefined) device.wantsMore = wantsMore === true
  }
  LayerRoutes.connect(senders, devices, nowMs)
}

/** Nobody has chosen yet who of them is heard. */
const hasTooManyVoices = ({ participants, rows }: ForwardingPlan): boolean => {
  const voices = new Set(
    participants.flatMap(({ streams }) => streams.filter(({ kind }) => kind === "audio").map(({ ssrc }) => ssrc))
  )
  return rows.filter(({ ssrc, to }) => to.length > 0 && voices.has(ssrc)).length > audibleMax + 1
}

/** Nobody of the call is here any more. */
export const disconnect = (self: Routing, call: LocalCall, nowMs: number): void => {
  for (const relay of call.trunkLegs.keys()) leaveTrunk(self, call, relay, nowMs)
}

/** Those whose trunk is open. */
const trunkLegsOf = ({ trunkLegs }: LocalCall) => [...trunkLegs.values()].filter((leg) => leg !== undefined)

/** The leg on which a participant's streams come in. */
const sourceOf = (
  { relayId }: Routing,
  call: LocalCall,
  plan: ForwardingPlan,
  relay: RelayId | undefined,
  participant: ParticipantId
): RelayLeg.RelayLeg | undefined => {
  if (relay === undefined) return undefined
  return relay === relayId ? call.sessions.get(participant)?.leg : call.trunkLegs.get(nextRelay(plan, relayId, relay))
}

/** Those who get it here, and once each relay that brings it to others. */
const targetsOf = (
  { relayId }: Routing,
  call: LocalCall,
  plan: ForwardingPlan,
  relays: ReadonlyMap<ParticipantId, RelayId>,
  row: PlanRow,
  from: RelayLeg.RelayLeg
): ReadonlyArray<RelayLeg.RelayLeg> => {
  const origin = relays.get(row.from)
  const sendsOn = origin === relayId || plan.relays[0]?.id === relayId
  const targets = new Set<RelayLeg.RelayLeg>()
  for (const id of row.to) {
    const relay = relays.get(id)
    const leg =
      relay === relayId
        ? call.sessions.get(id)?.leg
        : relay !== undefined && relay !== origin && sendsOn
          ? call.trunkLegs.get(nextRelay(plan, relayId, relay))
          : undefined
    if (leg !== undefined && leg !== from) targets.add(leg)
  }
  return [...targets]
}

/** The streams that come in on the call's trunks. One that was there already goes on as it is. */
const placeStreams = ({ relayId }: Routing, call: LocalCall, plan: ForwardingPlan): void => {
  const placed = new Map<RelayLeg.RelayLeg, Array<RelayStream.RelayStream>>()
  for (const leg of trunkLegsOf(call)) placed.set(leg, [])
  for (const { relay, streams } of plan.participants) {
    if (relay === relayId) continue
    const leg = call.trunkLegs.get(nextRelay(plan, relayId, relay))
    if (leg === undefined) continue
    for (const description of streams) {
      placed.get(leg)?.push(RelayLeg.findStream(leg, description.ssrc) ?? RelayStream.make(description))
    }
  }
  for (const [leg, streams] of placed) leg.streams = streams
}

/**
 * One leg on the trunk to each other relay of the call, also where the hub stands between: if it dies another one takes its
 * place at once, and must not have to open trunks first.
 */
const connectTrunks = (self: Routing, call: LocalCall, plan: ForwardingPlan, nowMs: number): void => {
  const { forwarding, relayId, trunks } = self
  const receiveTag = plan.relays.find(({ id }) => id === relayId)?.tag
  const others = receiveTag === undefined ? [] : plan.relays.filter(({ id }) => id !== relayId)
  for (const relay of call.trunkLegs.keys()) {
    if (!others.some(({ id }) => id === relay)) leaveTrunk(self, call, relay, nowMs)
  }
  for (const place of others) {
    const { id: relay } = place
    const trunk = TrunkTable.to(trunks, place, nowMs)
    trunk.calls.add(call)
    const before = call.trunkLegs.get(relay)
    const carrier = trunk.open?.leg
    if (before !== undefined && before.carrier === carrier && before.receiveTag === receiveTag) {
      before.sendTag = place.tag
      continue
    }
    // A leg of a trunk whose other end has started again would take the frames that are for its successor.
    if (before !== undefined && before.carrier === carrier) Lingering.add(self.lingering, before, nowMs)
    else if (before !== undefined) LegTable.remove(forwarding.legs, before)
    const leg =
      carrier === undefined || receiveTag === undefined
        ? undefined
        : RelayLeg.makeOnTrunk(carrier, call.id, { receiveTag, sendTag: place.tag })
    call.trunkLegs.set(relay, leg)
    if (leg !== undefined) LegTable.add(forwarding.legs, leg)
  }
}

const leaveTrunk = ({ lingering, trunks }: Routing, call: LocalCall, relay: RelayId, nowMs: number): void => {
  const leg = call.trunkLegs.get(relay)
  call.trunkLegs.delete(relay)
  if (leg !== undefined) Lingering.add(lingering, leg, nowMs)
  const trunk = trunks.trunks.get(relay)
  if (trunk?.calls.delete(call) === true && trunk.calls.size === 0) trunk.unusedSinceMs = nowMs
}
