import { Result, Schema } from "effect"
import type { Place } from "../client/CallClient.ts"
import type { NamedSubscription } from "../client/tracks/NamedSubscription.ts"
import { ParticipantId } from "../protocol/Ids.ts"
import { BadInput } from "./Failure.ts"

const form = "NAME[:stage|grid|off][:HEIGHT]"

/** A name, and perhaps where its video is shown and how high. The name is as long as it can be. */
const pattern = /^(.*?)(?::(stage|grid|off))?(?::(\d{1,5}))?$/s

const placeOf: Readonly<Record<string, Place>> = { stage: "on-stage", grid: "grid", off: "off-screen" }
const heightPxMax = 0xffff

const decodeName = Schema.decodeUnknownResult(ParticipantId)

export const parse = (text: string): Result.Result<NamedSubscription, BadInput> => {
  const wrong = (problem: string) =>
    Result.fail(
      new BadInput({ message: `--subscribe ${JSON.stringify(text)} ${problem}: write ${form}, like ada:stage:720` })
    )
  const [, name = "", place, height] = pattern.exec(text) ?? []
  const participant = decodeName(name)
  if (Result.isFailure(participant)) return wrong("names nobody")
  // Otherwise a place that is mistyped would be a part of a name that nobody has.
  if (name.includes(":") && (place === undefined || height === undefined)) {
    return wrong("has a colon in its name and needs a place and a height (0: not known) behind it")
  }
  const heightPx = Number(height ?? 0)
  if (heightPx > heightPxMax) return wrong(`has a height of more than ${heightPxMax} pixels`)
  return Result.succeed({ participant: participant.success, place: placeOf[place ?? "grid"]!, heightPx })
}

export const parseAll = (texts: ReadonlyArray<string>): Result.Result<ReadonlyArray<NamedSubscription>, BadInput> =>
  Result.all(texts.map(parse))
