import { Command } from "effect/cli"
import { handlerOf } from "./LoadedHandler.ts"
import { flags } from "./TokenFlags.ts"

export const command = Command.make(
  "token",
  flags,
  handlerOf(() => import("./TokenHandler.ts"))
).pipe(Command.withDescription("Mint a token with which one participant may join one call"))
