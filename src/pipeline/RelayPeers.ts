import { Context, Layer } from "effect"
import type { CallId } from "../protocol/Ids.ts"
import { relaysMax } from "../protocol/MessageKinds.ts"
import * as Placement from "../routing/Placement.ts"
import * as Rendezvous from "../routing/Rendezvous.ts"

/** A relay, as the fleet knows it. */
export interface PeerRelay {
  readonly id: string
  /** Where devices and relays reach it: "203.0.113.8:3478". */
  readonly address: string
  /** Takes nobody any more. */
  readonly isDraining: boolean
  readonly participants: number
  /** How much is used of what it can do; `undefined`: it does not know. */
  readonly fullness?: number | undefined
  /** When it has said so. */
  readonly seenAtMs: number
}

/** The other relays of this place, as of now. */
export class RelayPeers extends Context.Service<
  RelayPeers,
  {
    /** Where devices of the call may go on when this relay is gone, the best first. As many as a message names. */
    readonly backups: (call: CallId) => ReadonlyArray<string>
    /** Of these, those that have room for somebody new. */
    readonly withRoom: (call: CallId) => ReadonlyArray<string>
    /** Another one whenever `backups` may have become another, of whatever call. */
    readonly edition: () => string
    /**
     * The relay at the same IP address that should take a participant of a call with nobody here, if it has clearly less to
     * do than this one. To be called once for each that is sent there.
     */
    readonly placeElsewhere: (
      call: CallId,
      self: Pick<PeerRelay, "address" | "participants" | "fullness">
    ) => string | undefined
  }
>()("tandem/pipeline/RelayPeers") {}

/** Relays that never change, and say nothing of what they have to do: named in the configuration, the best first. */
export const layerFixed = (addresses: ReadonlyArray<string>) =>
  Layer.succeed(RelayPeers, {
    backups: () => addresses.slice(0, relaysMax),
    withRoom: () => addresses.slice(0, relaysMax),
    edition: () => "",
    placeElsewhere: () => undefined
  })

const idOf = ({ id }: PeerRelay): string => id
const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(":"))

const addressesOf = (call: CallId, relays: ReadonlyArray<PeerRelay>): ReadonlyArray<string> =>
  Rendezvous.order(call, relays, idOf)
    .slice(0, relaysMax)
    .map(({ address }) => address)

/** Relays that come and go. All name the same ones for a call, so that its participants meet again. */
export const layerLive = (others: () => ReadonlyArray<PeerRelay>) =>
  Layer.sync(RelayPeers, () => {
    const taking = () => others().filter(({ isDraining }) => !isDraining)
    /** Participants who were sent to a relay since it has said how many it has: a crowd would all go to the same one. */
    const sent = new Map<string, { readonly sinceMs: number; readonly participants: number }>()
    const sentTo = ({ id, seenAtMs }: PeerRelay): number => {
      const before = sent.get(id)
      return before?.sinceMs === seenAtMs ? before.participants : 0
    }

    return RelayPeers.of({
      backups: (call) => addressesOf(call, taking()),
      withRoom: (call) => addressesOf(call, taking().filter(Placement.hasRoom)),
      edition: () =>
        taking()
          .map(({ address, id }) => `${id} ${address}`)
          .sort()
          .join(),
      placeElsewhere: (call, self) => {
        const neighbours = taking()
          .filter(({ address }) => hostOf(address) === hostOf(self.address))
          .map((relay) => ({
            relay,
            participants: relay.participants + sentTo(relay),
            fullness: relay.fullness
          }))
        const chosen = Placement.better(call, self, neighbours, ({ relay }) => relay.id)?.relay
        if (chosen === undefined) return undefined
        sent.set(chosen.id, { sinceMs: chosen.seenAtMs, participants: sentTo(chosen) + 1 })
        return chosen.address
      }
    })
  })
