import type { ParticipantId } from "../../protocol/Ids.ts"
import type { StreamDescription } from "../../protocol/StreamDescription.ts"

/** One whole RTP packet of another participant, as its sender made it. */
export interface ReceivedRtp {
  readonly participant: ParticipantId
  readonly stream: StreamDescription
  /** Header, contributing sources, extension, payload and padding. The receiver's own. */
  readonly bytes: Uint8Array
  /** What its sender has said of it in the hop header: see OutgoingRtp. */
  readonly descriptor: number
  /** When this packet came from the network, on the monotonic clock. Milliseconds. */
  readonly arrivedAtMs: number
  /** It was lost on the way from the relay, and came again. */
  readonly repaired: boolean
}

/** RTCP of another participant about a stream it sends, as it was made: one packet, or a compound of several. */
export interface ReceivedRtcp {
  readonly participant: ParticipantId
  readonly stream: StreamDescription
  /** The receiver's own. */
  readonly bytes: Uint8Array
  /** Monotonic. Milliseconds. */
  readonly arrivedAtMs: number
}
