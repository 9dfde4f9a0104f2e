import type * as Dgram from "node:dgram"
import type { Kind, RelayPlace } from "./LoadOrder.ts"

/** Who is to come into which call. */
export interface Place {
  readonly relay: RelayPlace
  readonly call: string
  readonly participant: string
  /** Participants in the call when all are there. */
  readonly callSize: number
  readonly ssrc: number
  readonly kind: Kind
}

/** One participant of a call, in the language of the relay that carries it. What it sends and gets are RTP packets. */
export interface Participant {
  /** Its own, as every device has one. It talks to the relay alone. */
  readonly socket: Dgram.Socket
  /** Comes into the call. */
  readonly join: () => Promise<void>
  /** Writes the `headerBytes` in front of a packet that is about to be sent. */
  readonly writeHeader: (view: DataView, nowMs: number) => void
  /** Where the packet begins in a datagram that has come, or -1: there is none in it, and it has been dealt with. */
  readonly packetOffset: (datagram: Buffer, nowMs: number) => number
  /** Says what the relay has to be told now and then. */
  readonly poll: (nowMs: number) => void
  readonly leave: () => Promise<void>
}
