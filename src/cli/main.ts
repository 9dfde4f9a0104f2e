import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { ConfigProvider, Effect, Stdio } from "effect"
import { exitCodeOf } from "./Failure.ts"
import { endAtOnceWhenAskedTwice } from "./Signals.ts"
import * as Tandem from "./Tandem.ts"

Effect.forkDetach(endAtOnceWhenAskedTwice).pipe(
  Effect.andThen(Stdio.Stdio),
  Effect.flatMap(({ args }) => args),
  Effect.flatMap((args) => Tandem.run(args, ConfigProvider.fromEnv())),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: (exit, onExit) => onExit(exitCodeOf(exit)) })
)
