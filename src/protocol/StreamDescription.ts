import { Schema } from "effect"

/** An SSRC, RFC 3550: 32 bits, unique in a call. */
export const Ssrc = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))

export const StreamKind = Schema.Literals(["audio", "video"])
export type StreamKind = typeof StreamKind.Type

/** One RTP stream that a participant sends. Declared at join, so the relay never has to guess. */
export class StreamDescription extends Schema.Class<StreamDescription>("tandem/protocol/StreamDescription")({
  ssrc: Ssrc,
  kind: StreamKind,
  /** RTP timestamp ticks a second: 48,000 for Opus, 90,000 for video. */
  clockRate: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0xffffffff })),
  /** For the other devices only, "opus" or "vp8": the relay does not read it. At most 16 bytes of ASCII. */
  codec: Schema.String.check(Schema.isPattern(/^[!-~]{1,16}$/))
}) {}
