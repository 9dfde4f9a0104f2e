import type { ParticipantId } from "../../protocol/Ids.ts"
import type { StreamKind } from "../../protocol/StreamDescription.ts"

/** One RTP packet of another participant: decrypted, and in order within its stream. */
export interface ReceivedPacket {
  readonly participant: ParticipantId
  readonly ssrc: number
  readonly kind: StreamKind
  readonly codec: string
  readonly sequenceNumber: number
  /** Media clock ticks, 32 bits. */
  readonly timestamp: number
  readonly marker: boolean
  /** In clear, and the receiver's own. */
  readonly payload: Uint8Array
  /** As its sender set it: see OutgoingPacket. */
  readonly descriptor: number
  /** When this packet came from the network, on the monotonic clock. Milliseconds. */
  readonly arrivedAtMs: number
  /** It was lost on the way from the relay, and came again. */
  readonly repaired: boolean
  /** Packets of this stream before it that were given up. */
  readonly missedBefore: number
}
