import { Schema } from "effect"

/** One stream that the participant sent. */
const SentStream = Schema.Struct({
  ssrc: Schema.Int,
  kind: Schema.Literals(["audio", "video"]),
  frames: Schema.Int,
  packets: Schema.Int
})

/** One stream of another participant. */
const ReceivedStream = Schema.Struct({
  participant: Schema.String,
  ssrc: Schema.Int,
  kind: Schema.Literals(["audio", "video"]),
  codec: Schema.String,
  frames: Schema.Int,
  /** Each counted once. */
  packets: Schema.Int,
  /** Of them, lost on the way from the relay and brought by a resend. */
  packetsRepaired: Schema.Int,
  /** Given up. */
  packetsMissed: Schema.Int,
  /** Not encrypted with our key, or not as it was sent. */
  packetsUndecryptable: Schema.Int
})

/** What `tandem call --json` prints at its end. */
export const CallSummary = Schema.Struct({
  call: Schema.String,
  participant: Schema.String,
  seconds: Schema.Finite,
  /** Of the last hop; `null` when it was never measured. */
  roundTripMs: Schema.NullOr(Schema.Finite),
  sent: Schema.Array(SentStream),
  received: Schema.Array(ReceivedStream),
  files: Schema.Array(Schema.String)
})
export type CallSummary = typeof CallSummary.Type
