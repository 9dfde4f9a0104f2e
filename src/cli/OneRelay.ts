import { Console, Effect, Option } from "effect"
import * as Relay from "../server/Relay.ts"
import { callLine } from "./CallLine.ts"
import { badInput, failed } from "./Failure.ts"
import type { Flags } from "./RunFlags.ts"
import { type Config, keysOf, type Options } from "./RunOptions.ts"
import { inputEnded } from "./Signals.ts"

/** Ends when the relay is to stop, and fails when it is of no use any more: whatever has started this process starts another. */
export const untilStopped = Effect.fnUntraced(function* (flags: Flags, config: Config) {
  const { address, adminPort, broken, host, port, socket, stopRequested } = yield* Relay.Relay
  const http = `http://${config.adminHost}:${adminPort}`
  if (flags.json) yield* Console.log(JSON.stringify({ address, socket, http, pid: process.pid }))
  else {
    yield* Console.log(`relay ready on UDP ${address}, health and metrics on ${http}`)
    if (Option.isNone(keysOf(flags, config))) yield* Console.log(yield* callLine(host, port))
  }
  const hasBroken = Effect.flatMap(broken, (message) => Effect.fail(failed({ message })))
  yield* Effect.raceAllFirst([stopRequested, flags.stopWithStdin ? inputEnded : Effect.never, hasBroken])
})

/** One relay, in this process. */
export const run = (flags: Flags, config: Config, options: Options) =>
  Effect.provide(untilStopped(flags, config), Relay.layer(options)).pipe(
    Effect.catchTags({
      PortNotOpened: (error) => Effect.fail(failed(error)),
      SocketNotAvailable: (error) => Effect.fail(badInput(error)),
      DatabaseNotOpened: (error) => Effect.fail(failed(error)),
      ClusterNotJoined: (error) => Effect.fail(failed(error)),
      RelayRefused: (error) => Effect.fail(failed(error)),
      AdminPortNotOpened: (error) => Effect.fail(failed(error))
    })
  )
