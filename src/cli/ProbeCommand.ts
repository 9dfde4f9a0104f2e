import { Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Probe from "../client/probe/Probe.ts"
import { handlerOf } from "./LoadedHandler.ts"

/** More than three minutes of requests at the usual interval: what takes longer is monitoring. */
const countMax = 1000
/** A minute. */
const msMax = 60_000

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const flags = {
  relays: Argument.String("HOST:PORT").pipe(
    Argument.withDescription("Relays, or other STUN servers, by name or IP address"),
    Argument.variadic({ min: 1 })
  ),
  count: Flag.Int("count").pipe(
    Flag.withSchema(between(1, countMax)),
    Flag.withDescription("Requests to each relay"),
    Flag.withDefault(Probe.defaults.count)
  ),
  intervalMs: Flag.Int("interval").pipe(
    Flag.withSchema(between(Probe.intervalMsMin, msMax)),
    Flag.withMetavar("MS"),
    Flag.withDescription("Between two requests to one relay; it answers at most 10 a second to one network"),
    Flag.withDefault(Probe.defaults.intervalMs)
  ),
  timeoutMs: Flag.Int("timeout").pipe(
    Flag.withSchema(between(1, msMax)),
    Flag.withMetavar("MS"),
    Flag.withDescription("An answer that takes longer counts as lost"),
    Flag.withDefault(Probe.defaults.timeoutMs)
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
}
export type Flags = Command.Command.Config.Infer<typeof flags>

export const command = Command.make(
  "probe",
  flags,
  handlerOf(() => import("./ProbeHandler.ts"))
).pipe(
  Command.withDescription("Round trip, jitter and loss to several relays, and what address translators do between")
)
