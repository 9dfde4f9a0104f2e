import * as NodeAddressResolver from "@effect/platform-node/NodeAddressResolver"
import * as NodeDns from "@effect/platform-node/NodeDns"
import { Console, Effect, Layer, Result, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Os from "node:os"
import * as JoinFailure from "../client/JoinFailure.ts"
import * as Probe from "../client/probe/Probe.ts"
import type * as ProbeReport from "../client/probe/ProbeReport.ts"
import * as Network from "../server/Network.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { BadInput, failed, Failed } from "./Failure.ts"
import * as ProbeText from "./ProbeText.ts"
import * as RelayNames from "./RelayNames.ts"

/** More than three minutes of requests at the usual interval: what takes longer is monitoring. */
const countMax = 1000
/** A minute. */
const msMax = 60_000

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Of every interface. A port that is bound to all of them does not know which it sends from. */
const localHosts = Effect.sync(() =>
  Object.values(Os.networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ address }) =>
      Result.match(PackedAddress.fromHost(address, 0), { onSuccess: (host) => [host], onFailure: () => [] })
    )
  )
)

const announcement = (relays: number, { count, intervalMs }: ProbeReport.Schedule): string => {
  const whom = relays === 1 ? "one relay" : `${relays} relays`
  const howOften = `${count} request${count === 1 ? "" : "s"}${relays === 1 ? "" : " each"}`
  return `asking ${whom}, ${howOften}, some ${Math.max(1, Math.round((count * intervalMs) / 1000))} s ...\n`
}

/** One relay that answers is enough to have calls; only without any the command has failed. */
const noneAnswers = ({ relays }: ProbeReport.ProbeReport): Failed => {
  const names = relays.map(({ name }) => name)
  return relays.every(({ requests, sendFailed }) => sendFailed === requests)
    ? new Failed({ message: `nothing can be sent to ${names.join(", ")}: check this machine's network` })
    : failed(JoinFailure.unreachable(names))
}

export const command = Command.make(
  "probe",
  {
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
  },
  Effect.fn(function* ({ json, relays: names, ...schedule }) {
    if (names.length > Probe.relaysMax) {
      return yield* new BadInput({ message: `${names.length} relays are too many: name at most ${Probe.relaysMax}` })
    }
    const relays = yield* RelayNames.resolve(names).pipe(
      Effect.provide(Layer.provide(NodeAddressResolver.layer, NodeDns.layer))
    )
    if (!json) yield* Console.log(announcement(relays.length, schedule))
    const report = yield* Probe.run({ ...schedule, relays, localHosts: yield* localHosts }).pipe(
      Effect.provide(Network.layer(undefined)),
      Effect.catchTag("PortNotOpened", (error) => Effect.fail(failed(error)))
    )
    yield* Console.log(json ? JSON.stringify(report) : ProbeText.format(report))
    if (report.relays.every(({ answered }) => answered === 0)) return yield* noneAnswers(report)
  })
).pipe(
  Command.withDescription("Round trip, jitter and loss to several relays, and what address translators do between")
)
