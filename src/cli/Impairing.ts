import { Effect, Option } from "effect"
import * as Impairment from "../sockets/Impairment.ts"
import { type BadInput, badInput } from "./Failure.ts"

/** What the flag says. */
export const impairmentOf = (text: Option.Option<string>): Effect.Effect<Impairment.Impairment | undefined, BadInput> =>
  Option.match(text, {
    onNone: () => Effect.undefined,
    onSome: (text) => Effect.mapError(Effect.fromResult(Impairment.parse(text)), badInput)
  })
