import { Result, Schema } from "effect"

/** One JSON object a line. */
export const format = (records: Iterable<object>): string => {
  let text = ""
  for (const record of records) text += `${JSON.stringify(record)}\n`
  return text
}

/** Reads what `format` has written: the records, or the number of the first line that is none. */
export const parserOf = <A, I>(
  schema: Schema.Codec<A, I>
): ((text: string) => Result.Result<ReadonlyArray<A>, number>) => {
  const decodeRecord = Schema.decodeUnknownResult(Schema.fromJsonString(schema))
  return (text) => {
    const records: Array<A> = []
    for (const [index, line] of text.split("\n").entries()) {
      if (line === "") continue
      const record = decodeRecord(line)
      if (Result.isFailure(record)) return Result.fail(index + 1)
      records.push(record.success)
    }
    return Result.succeed(records)
  }
}
