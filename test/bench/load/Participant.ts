import type { Kind, RelayPlace } from "./LoadOrder.ts"
import type { OnDatagram, Wire } from "./Wire.ts"

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
  /** That its packets leave by: a socket of its own, as every device has one. */
  readonly sending: Wire
  /** Where its packets come to. */
  readonly address: Uint32Array
  /** In front of a packet that is sent. */
  readonly headerBytes: number
  /**
   * Writes what is there, in front of so many bytes. `place`: which packet of its frame it is, by `startOfFrameFlag` and
   * `endOfFrameFlag` of a hop header.
   */
  readonly writeHeader: (view: DataView, offset: number, packetBytes: number, place: number, nowMs: number) => void
  /** Told of every RTP packet that has come. */
  onPacket: OnDatagram
  /** Comes into the call. The others may have come or not, but have their sockets. */
  readonly join: (others: ReadonlyArray<Participant>) => Promise<void>
  /** Says what the relay has to be told now and then. */
  readonly poll: (nowMs: number) => void
  readonly leave: () => Promise<void>
}
