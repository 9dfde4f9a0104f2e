import { Schema } from "effect"
import { hash } from "node:crypto"
import { ParticipantId } from "../../protocol/Ids.ts"
import { Ssrc, StreamKind } from "../../protocol/StreamDescription.ts"
import * as JsonLines from "./JsonLines.ts"

/** One frame that was sent or received: enough to tell whether what came out is what went in, and when. */
export const FrameRecord = Schema.Struct({
  event: Schema.Literals(["sent", "received"]),
  /** Who has sent the frame. */
  participant: ParticipantId,
  ssrc: Ssrc,
  kind: StreamKind,
  /** RTP timestamp: with the SSRC it names the frame. */
  timestamp: Schema.Int,
  /** Of the plain frame, SHA-256, its first 16 hex digits. */
  digest: Schema.String,
  /** Monotonic clock of the machine: comparable between its processes. Milliseconds. */
  atMs: Schema.Finite
})
export type FrameRecord = typeof FrameRecord.Type

export const digestOf = (bytes: Uint8Array): string => hash("sha256", bytes, "hex").slice(0, 16)

/** One JSON object a line. */
export const format = (records: Iterable<FrameRecord>): string => JsonLines.format(records)

/** The records, or the number of the first line that is none. */
export const parse = JsonLines.parserOf(FrameRecord)
