import { ConfigProvider, Effect, Logger } from "effect"
import { Command } from "effect/cli"
import * as BridgeCommand from "./BridgeCommand.ts"
import * as CallCommand from "./CallCommand.ts"
import * as ClusterCommand from "./ClusterCommand.ts"
import * as DemoCommand from "./DemoCommand.ts"
import { layerOneLineErrors, report } from "./Failure.ts"
import * as ProbeCommand from "./ProbeCommand.ts"
import * as RunCommand from "./RunCommand.ts"
import * as SimulateCommand from "./SimulateCommand.ts"
import * as TokenCommand from "./TokenCommand.ts"

const command = Command.make("tandem").pipe(
  Command.withDescription("A calling relay: end-to-end encrypted calls, repaired on every hop"),
  Command.withSubcommands([
    RunCommand.command,
    ClusterCommand.command,
    TokenCommand.command,
    CallCommand.command,
    BridgeCommand.command,
    ProbeCommand.command,
    SimulateCommand.command,
    DemoCommand.command
  ])
)

/** Does what these words say, with the settings of this environment. When it fails, it has said why. */
export const run = (args: ReadonlyArray<string>, environment: ConfigProvider.ConfigProvider) =>
  Command.runWith(command, { version: "0.1.0" })(args).pipe(
    report,
    Effect.provide(layerOneLineErrors),
    // What goes to stdout is for whoever reads it by program.
    Effect.provideService(Logger.LogToStderr, true),
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      environment.pipe(ConfigProvider.nested("tandem"), ConfigProvider.constantCase)
    )
  )
