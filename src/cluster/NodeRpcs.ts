import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { SignedReport } from "../actor/CallReports.ts"
import { PublishedPlan } from "../actor/PlanFeed.ts"
import { RelayId } from "../protocol/Ids.ts"

/** A plan, and for whom it is. */
export const AddressedPlan = Schema.Struct({ published: PublishedPlan, relays: Schema.Array(RelayId) })
export type AddressedPlan = typeof AddressedPlan.Type

/** What nodes tell each other that is for a node, and not for a call's actor: wherever that may be by now. */
export const NodeRpcs = RpcGroup.make(
  /** For relays of the node that is told. */
  Rpc.make("Plans", { payload: { plans: Schema.Array(AddressedPlan) } }),
  /** For actors that should be on the node that is told, which starts those that do not run. */
  Rpc.make("Reports", { payload: { reports: Schema.Array(SignedReport) } })
)
