import { Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { handlerOf } from "./LoadedHandler.ts"

/** Some minutes of claims. */
const seedsMax = 10_000
/** A minute of evening. */
const relaysMax = 50

const flags = {
  scenario: Argument.String("SCENARIO").pipe(
    Argument.withDescription(
      "What to simulate; list: show them; published: measure the published figures anew; repair: what repair leaves of losses; groups: who is heard and seen in groups; newyear: everybody calls at midnight"
    )
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
    Flag.withMetavar("N"),
    Flag.withDescription("The dice: the same seed, the same run"),
    Flag.withDefault(1)
  ),
  seeds: Flag.Int("seeds").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: seedsMax }))),
    Flag.withMetavar("N"),
    Flag.withDescription("Of published, repair and groups: how many calls for each figure (left out: 200, 10, 5)"),
    Flag.optional
  ),
  trace: Flag.File("trace").pipe(
    Flag.withDescription("Of the scenario trace: what the link carries, in Mahimahi's format"),
    Flag.optional
  ),
  hours: Flag.Int("hours").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 24 }))),
    Flag.withMetavar("N"),
    Flag.withDescription("Of newyear: how long the evening is, with midnight in its middle (left out: 3)"),
    Flag.optional
  ),
  relays: Flag.Int("relays").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: relaysMax }))),
    Flag.withMetavar("N"),
    Flag.withDescription("Of newyear: how many relays there are (left out: 4)"),
    Flag.optional
  ),
  throttle: Flag.Literals("throttle", ["adaptive", "off"]).pipe(
    Flag.withDescription("Of newyear: whether relays under load give things up (left out: adaptive)"),
    Flag.optional
  ),
  html: Flag.File("html").pipe(Flag.withDescription("Write a page with plots to this file"), Flag.optional),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
}
export type Flags = Command.Command.Config.Infer<typeof flags>

export const command = Command.make(
  "simulate",
  flags,
  handlerOf(() => import("./SimulateHandler.ts"))
).pipe(Command.withDescription("How senders share a link, on simulated time with the real media modules"))
