import { Argument, Command, Flag } from "effect/cli"
import { clusterFlag } from "./ClusterFlag.ts"
import { handlerOf } from "./LoadedHandler.ts"

const statusFlags = {
  cluster: clusterFlag,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
}
export type StatusFlags = Command.Command.Config.Infer<typeof statusFlags>

const status = Command.make(
  "status",
  statusFlags,
  handlerOf(() => import("./StatusHandler.ts"))
).pipe(Command.withDescription("Who the relays of a cluster are, and how they are"))

const drainFlags = {
  relay: Argument.String("relay").pipe(Argument.withDescription("The relay's name")),
  cluster: clusterFlag
}
export type DrainFlags = Command.Command.Config.Infer<typeof drainFlags>

const drain = Command.make(
  "drain",
  drainFlags,
  handlerOf(() => import("./DrainHandler.ts"))
).pipe(Command.withDescription("Send the devices of a relay to others, end it, and wait until it has gone"))

export const command = Command.make("cluster").pipe(
  Command.withDescription("Look at a cluster, and take relays out of it"),
  Command.withSubcommands([status, drain])
)
