import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { ConfigProvider, Effect, Logger } from "effect"
import { Command } from "effect/cli"
import * as BridgeCommand from "./BridgeCommand.ts"
import * as CallCommand from "./CallCommand.ts"
import * as ClusterCommand from "./ClusterCommand.ts"
import * as DemoCommand from "./DemoCommand.ts"
import { exitCodeOf, layerOneLineErrors, report } from "./Failure.ts"
import * as ProbeCommand from "./ProbeCommand.ts"
import * as RunCommand from "./RunCommand.ts"
import { endAtOnceWhenAskedTwice } from "./Signals.ts"
import * as TokenCommand from "./TokenCommand.ts"

const tandem = Command.make("tandem").pipe(
  Command.withDescription("A calling relay: end-to-end encrypted calls, repaired on every hop"),
  Command.withSubcommands([
    RunCommand.command,
    ClusterCommand.command,
    TokenCommand.command,
    CallCommand.command,
    BridgeCommand.command,
    ProbeCommand.command,
    DemoCommand.command
  ])
)

Effect.forkDetach(endAtOnceWhenAskedTwice).pipe(
  Effect.andThen(Command.run(tandem, { version: "0.1.0" })),
  report,
  Effect.provide(layerOneLineErrors),
  // What goes to stdout is for whoever reads it by program.
  Effect.provideService(Logger.LogToStderr, true),
  Effect.provideService(
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromEnv().pipe(ConfigProvider.nested("tandem"), ConfigProvider.constantCase)
  ),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: (exit, onExit) => onExit(exitCodeOf(exit)) })
)
