import * as CallVersion from "../call/CallVersion.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import type { CallId, ParticipantId } from "../protocol/Ids.ts"
import type { RelayLeg } from "./RelayLeg.ts"
import * as RelayLegs from "./RelayLeg.ts"
import type { Session } from "./Session.ts"

/** A call as far as it is here: the participants on this relay, and the newest plan seen. */
export interface LocalCall {
  readonly id: CallId
  readonly sessions: Map<ParticipantId, Session>
  plan: ForwardingPlan | undefined
}

/** The sessions of this relay, by call and by the tag of their leg. Owned by the pipeline; all access is synchronous. */
export interface CallTable {
  readonly calls: Map<string, LocalCall>
  readonly sessionsByTag: Map<number, Session>
}

export const make = (): CallTable => ({ calls: new Map(), sessionsByTag: new Map() })

export const add = (self: CallTable, session: Session): LocalCall => {
  let call = self.calls.get(session.call)
  if (call === undefined) {
    call = { id: session.call, sessions: new Map(), plan: undefined }
    self.calls.set(session.call, call)
  }
  call.sessions.set(session.participant, session)
  self.sessionsByTag.set(session.leg.hop.receive.legTag, session)
  return call
}

/** Also takes the leg out of the others' rows at once: the plan that says so comes later. */
export const remove = (self: CallTable, session: Session): void => {
  self.sessionsByTag.delete(session.leg.hop.receive.legTag)
  const call = self.calls.get(session.call)
  if (call?.sessions.get(session.participant) !== session) return
  call.sessions.delete(session.participant)
  if (call.sessions.size === 0) self.calls.delete(session.call)
  else if (call.plan !== undefined) connect(call, call.plan)
}

/** Puts a plan in place of the one before, whole. False for one that is not newer: nothing is changed. */
export const applyPlan = (call: LocalCall, plan: ForwardingPlan): boolean => {
  if (call.plan !== undefined && !CallVersion.isNewer(plan.version, call.plan.version)) return false
  call.plan = plan
  connect(call, plan)
  return true
}

/** Makes the rows of the plan into references, for the legs that are here. */
export const connect = (call: LocalCall, plan: ForwardingPlan): void => {
  const sources = new Map<RelayLeg, Array<RelayLeg>>()
  for (const { leg } of call.sessions.values()) {
    sources.set(leg, [])
    for (const stream of leg.streams) stream.targets = []
  }
  for (const row of plan.rows) {
    const from = call.sessions.get(row.from)?.leg
    const stream = from && RelayLegs.findStream(from, row.ssrc)
    if (from === undefined || stream === undefined) continue
    stream.targets = row.to.flatMap((id) => call.sessions.get(id)?.leg ?? [])
    for (const target of stream.targets) {
      const known = sources.get(target)
      if (known !== undefined && !known.includes(from)) known.push(from)
    }
  }
  for (const [leg, of] of sources) leg.sources = of
}
