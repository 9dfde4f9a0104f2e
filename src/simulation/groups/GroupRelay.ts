import type { ForwardingPlan } from "../../call/ForwardingPlan.ts"
import * as CallRoutes from "../../pipeline/CallRoutes.ts"
import * as CallTable from "../../pipeline/CallTable.ts"
import * as DeviceNews from "../../pipeline/DeviceNews.ts"
import type { DeviceLeg, RelayLeg } from "../../pipeline/RelayLeg.ts"
import * as SentVideo from "../../pipeline/SentVideo.ts"
import * as Session from "../../pipeline/Session.ts"
import * as TrunkTable from "../../pipeline/TrunkTable.ts"
import type { RelayId } from "../../protocol/Ids.ts"
import type { VideoAllocation } from "../../protocol/VideoAttribute.ts"
import type { LabRelay } from "../LabRelay.ts"

/**
 * What a relay does for a group beside its packets: it measures its devices' legs, reports, and follows plans, with the real
 * routes. Owned by one simulation.
 */
export interface GroupRelay {
  readonly routing: CallRoutes.Routing
  readonly call: CallTable.LocalCall
  readonly members: ReadonlyArray<Session.Session>
}

/** What it tells the call's owner, as bytes: see actor/CallReports. */
export interface Report {
  readonly volumes: Uint8Array
  readonly estimates: Uint8Array
  readonly uplinks: Uint8Array
}

export const isDevice = (leg: RelayLeg): leg is DeviceLeg => leg.participant !== undefined

/** `trunks`: the call's leg on the way to each other relay to which there is one. `devices`: one at least. */
export const make = (
  id: RelayId,
  { forwarding }: LabRelay,
  devices: ReadonlyArray<DeviceLeg>,
  trunks: ReadonlyArray<{ readonly to: RelayId; readonly address: string; readonly leg: RelayLeg }>
): GroupRelay => {
  const table = CallTable.make()
  const members = devices.map((leg) =>
    Session.make(
      leg,
      { epoch: 1, restores: 0 },
      { callClass: "group-video", keyId: "1" },
      new Uint8Array(32),
      { counter: 1 },
      0
    )
  )
  const [call] = members.map((session) => CallTable.add(table, session))
  if (call === undefined) throw new RangeError("a relay of a group without devices")
  const trunkTable = TrunkTable.make(1)
  for (const { address, leg, to } of trunks) {
    call.trunkLegs.set(to, leg)
    const { carrier } = leg
    if (carrier !== undefined) {
      TrunkTable.to(trunkTable, { address, id: to }, 0).open = { leg: carrier, peerIncarnation: 1 }
    }
  }
  return { routing: { relayId: id, forwarding, trunks: trunkTable, lingering: [] }, call, members }
}

/** As pipeline/CallUpkeep has it. */
export const reportOf = ({ members }: GroupRelay, nowMs: number): Report => ({
  volumes: DeviceNews.volumes(members),
  estimates: DeviceNews.estimates(members, nowMs),
  uplinks: DeviceNews.uplinks(members, nowMs)
})

/** A device is told which video it is to send. */
export interface Directive {
  readonly leg: DeviceLeg
  readonly allocation: VideoAllocation
}

/** A plan has come: what it makes of the routes, and what devices have to be told. */
export const applyPlan = ({ call, members, routing }: GroupRelay, plan: ForwardingPlan, nowMs: number) => {
  call.plan = plan
  CallRoutes.connect(routing, call, nowMs)
  return members.flatMap((session): ReadonlyArray<Directive> => {
    const allocation = SentVideo.newsOf(session, plan, 0)
    return allocation === undefined ? [] : [{ leg: session.leg, allocation }]
  })
}
