import { Result, Schema } from "effect"

const Reason = Schema.Literals(["NotThisFormat", "OtherCodec", "Truncated", "Damaged"])

/** A media file that cannot be used. `message` is one line that says why and what to do; the caller puts the name before it. */
export class UnreadableFile extends Schema.TaggedError<UnreadableFile>()("UnreadableFile", {
  reason: Reason,
  message: Schema.String
}) {}

export const unreadable = (reason: typeof Reason.Type, message: string): Result.Result<never, UnreadableFile> =>
  Result.fail(new UnreadableFile({ reason, message }))
