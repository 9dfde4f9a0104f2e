import { Command } from "effect/cli"
import { handlerOf } from "./LoadedHandler.ts"
import { flags } from "./RunFlags.ts"

export const command = Command.make(
  "run",
  flags,
  handlerOf(() => import("./RunHandler.ts"))
).pipe(Command.withDescription("Run a relay, or several that share their calls"))
