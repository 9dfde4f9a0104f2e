import { Schema } from "effect"
import * as CallVersion from "./CallVersion.ts"

/**
 * How far a call's plan has come: the version of the state that it follows from, and how often the state's owner has decided
 * anew since it took over who is heard and who is seen. The state is saved at every change of its version; what is decided
 * several times a second is not, so a new owner counts from 0: it has decided nothing yet.
 */
export class PlanVersion extends Schema.Class<PlanVersion>("tandem/call/PlanVersion")({
  ...CallVersion.CallVersion.fields,
  revision: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
}) {}

export const of = ({ number, ownerEpoch }: CallVersion.CallVersion, revision: number): PlanVersion =>
  new PlanVersion({ ownerEpoch, number, revision })

/** A total order: the state's version decides, then the revision. */
export const isNewer = (version: PlanVersion, than: PlanVersion): boolean =>
  CallVersion.equals(version, than) ? version.revision > than.revision : CallVersion.isNewer(version, than)
