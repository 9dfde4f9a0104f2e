import { Result, Schema } from "effect"

const Layer = Schema.Literals(["Stun", "Control", "Token", "Rtp", "Rtcp", "Feedback"])
const Reason = Schema.Literals([
  "TooShort",
  "WrongVersion",
  "WrongMagicCookie",
  "LengthMismatch",
  "WrongFingerprint",
  "UnknownMethod",
  "UnknownAttribute",
  "MissingAttribute",
  "MalformedAttribute"
])

/** Bytes that are not what they claim to be. Counted by reason; never answered. */
export class MalformedPacket extends Schema.TaggedError<MalformedPacket>()("MalformedPacket", {
  layer: Layer,
  reason: Reason
}) {}

/**
 * A failed decoding as a value. Call it once per layer and reason, at module level: a flood of bad packets must not pay
 * for a stack trace each.
 */
export const malformed = (
  layer: typeof Layer.Type,
  reason: typeof Reason.Type
): Result.Result<never, MalformedPacket> => Result.fail(new MalformedPacket({ layer, reason }))
