import type { RelayPlace } from "../call/CallState.ts"
import type { RelayId } from "../protocol/Ids.ts"
import type { LocalCall } from "./CallTable.ts"
import type * as RelayLeg from "./RelayLeg.ts"

/** The hop to another relay, shared by all calls that both have participants of. */
export interface Trunk {
  readonly relay: RelayId
  /** As the newest plan says. "203.0.113.8:3478" */
  address: string
  /** Of our numbers on it. 32 bits. */
  readonly incarnation: number
  /** `undefined`: the other side has not proved that it is of the fleet and receives there. Nothing is sent until then. */
  open: { readonly leg: RelayLeg.RelayLeg; readonly peerIncarnation: number } | undefined
  /** For frames that come in and belong to no call; `undefined` until it has been drawn. */
  receiveTag: number | undefined
  /** The request that has not been answered, which is repeated as it is. */
  proof: { readonly transactionId: Uint8Array; readonly nonce: Uint8Array; readonly key: Uint8Array } | undefined
  readonly calls: Set<LocalCall>
  /** When the last call was taken off. Milliseconds. */
  unusedSinceMs: number
  /** The next request for a proof. Milliseconds. */
  proofDueMs: number
  /** Requests since the last answer. */
  unanswered: number
  /** When the other side has proved itself last. Milliseconds. */
  heardAtMs: number
}

/** The trunks of one relay. Owned by the pipeline; all access is synchronous. */
export interface TrunkTable {
  readonly trunks: Map<RelayId, Trunk>
  /** Of the trunk that is made next. */
  nextIncarnation: number
  /** Called for a trunk that has to be proved now. */
  wake: () => void
}

/** `incarnation`: a random number, so that a relay that starts again does not go on with numbers of the past. */
export const make = (incarnation: number): TrunkTable => ({
  trunks: new Map(),
  nextIncarnation: incarnation,
  wake: () => {}
})

/** Requests that are repeated quickly: the last of them is out after 140 ms. */
const promptRequests = 4

/** Has the other side show soon that it is there, if it is not being asked already. */
export const ask = (self: TrunkTable, trunk: Trunk, nowMs: number): void => {
  if (trunk.proof !== undefined && trunk.unanswered < promptRequests) return
  trunk.unanswered = 0
  trunk.proofDueMs = nowMs
  self.wake()
}

/** When the other side has shown last that it is there. Milliseconds. */
export const lastHeardAtMs = ({ heardAtMs, open }: Trunk): number =>
  Math.max(heardAtMs, open?.leg.hop.receive.lastFrameAtMs ?? -Infinity)

/** The trunk to the relay at this place; it is made, and opened in the background, if there is none. */
export const to = (self: TrunkTable, { address, id }: Pick<RelayPlace, "address" | "id">, nowMs: number): Trunk => {
  const known = self.trunks.get(id)
  if (known !== undefined) {
    if (known.address !== address) {
      known.address = address
      known.proofDueMs = nowMs
      self.wake()
    }
    return known
  }
  const trunk: Trunk = {
    relay: id,
    address,
    incarnation: self.nextIncarnation,
    open: undefined,
    receiveTag: undefined,
    proof: undefined,
    calls: new Set(),
    unusedSinceMs: nowMs,
    proofDueMs: nowMs,
    unanswered: 0,
    heardAtMs: -Infinity
  }
  self.nextIncarnation = (self.nextIncarnation + 1) >>> 0
  self.trunks.set(id, trunk)
  self.wake()
  return trunk
}

export const openCount = ({ trunks }: TrunkTable): number =>
  [...trunks.values()].filter(({ open }) => open !== undefined).length
