import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import type { Relocation } from "../call/Relocation.ts"
import type { CallId, ParticipantId, RelayId } from "../protocol/Ids.ts"
import type { RelayLeg } from "./RelayLeg.ts"
import type { Session } from "./Session.ts"

/** A call as far as it is here: the participants on this relay, its trunks, and the newest plan seen. */
export interface LocalCall {
  readonly id: CallId
  readonly sessions: Map<ParticipantId, Session>
  /** Its legs on the trunks to the other relays of the call; `undefined` while the trunk is not open. */
  readonly trunkLegs: Map<RelayId, RelayLeg | undefined>
  /** As the call's actor has said it. */
  confirmed: ForwardingPlan | undefined
  /** Of participants that have come to another relay without the actor, the newest of each. */
  readonly relocations: Map<ParticipantId, Relocation>
  /** What is forwarded by: the confirmed plan with the relocations. */
  plan: ForwardingPlan | undefined
  /** When it was reported to the actor last. Milliseconds. */
  reportedAtMs: number
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
    call = {
      id: session.call,
      sessions: new Map(),
      trunkLegs: new Map(),
      confirmed: undefined,
      relocations: new Map(),
      plan: undefined,
      reportedAtMs: -Infinity
    }
    self.calls.set(session.call, call)
  }
  call.sessions.set(session.participant, session)
  self.sessionsByTag.set(session.leg.receiveTag, session)
  return call
}

/** The call that the session was in, if it was its participant's newest here. The call is gone with its last session. */
export const remove = (self: CallTable, session: Session): LocalCall | undefined => {
  self.sessionsByTag.delete(session.leg.receiveTag)
  const call = self.calls.get(session.call)
  if (call?.sessions.get(session.participant) !== session) return undefined
  call.sessions.delete(session.participant)
  if (call.sessions.size === 0) self.calls.delete(session.call)
  return call
}
