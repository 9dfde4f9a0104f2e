/** Checks the laws without a test runner: `node prove.ts`. */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import * as CallStoreLaws from "tandem/state/laws"
import * as NodeSqlite from "tandem/state/sqlite"
import * as MeetingStore from "./MeetingStore.ts"

Effect.forEach(CallStoreLaws.laws, ({ check, name }) => Effect.andThen(check(), Console.log(`holds: ${name}`))).pipe(
  Effect.provide(Layer.provide(MeetingStore.layer, NodeSqlite.layer({ file: ":memory:" }))),
  NodeRuntime.runMain
)
