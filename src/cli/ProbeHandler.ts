import * as NodeAddressResolver from "@effect/platform-node/NodeAddressResolver"
import * as NodeDns from "@effect/platform-node/NodeDns"
import { Console, Effect, Layer, Result } from "effect"
import * as Os from "node:os"
import * as JoinFailure from "../client/JoinFailure.ts"
import * as Probe from "../client/probe/Probe.ts"
import type * as ProbeReport from "../client/probe/ProbeReport.ts"
import * as Network from "../server/Network.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { BadInput, failed, Failed } from "./Failure.ts"
import type { Flags } from "./ProbeCommand.ts"
import * as ProbeText from "./ProbeText.ts"
import * as RelayNames from "./RelayNames.ts"

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

export const run = Effect.fn(function* ({ json, relays: names, ...schedule }: Flags) {
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
