import * as NodeServices from "@effect/platform-node/NodeServices"
import { ConfigProvider, Console, Effect } from "effect"
import { exitCodeOf } from "../../src/cli/Failure.ts"
import * as Tandem from "../../src/cli/Tandem.ts"
import type { Ended } from "./Processes.ts"

/**
 * What `tandem ARGS` says and how it ends, without a process: for what is refused before it has begun. It is in the folder
 * of this process, so that paths have to be whole.
 */
export const run = async (args: ReadonlyArray<string>, env: Record<string, string> = {}): Promise<Ended> => {
  const said = { stdout: "", stderr: "" }
  const into = (stream: keyof typeof said) => (text: string) => {
    said[stream] += `${text}\n`
  }
  const console: Console.Console = Object.assign(Object.create(globalThis.console) as Console.Console, {
    log: into("stdout"),
    error: into("stderr")
  })
  const exit = await Tandem.run(args, ConfigProvider.fromEnv({ env })).pipe(
    Effect.provideService(Console.Console, console),
    Effect.provide(NodeServices.layer),
    Effect.runPromiseExit
  )
  return { exitCode: exitCodeOf(exit), ...said }
}
