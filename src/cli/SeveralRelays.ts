import { Console, Effect, Option } from "effect"
import * as RelayProcesses from "../server/RelayProcesses.ts"
import { callLine } from "./CallLine.ts"
import * as ClusterFlag from "./ClusterFlag.ts"
import { failed } from "./Failure.ts"
import { again, relaysOf } from "./ProcessesFlag.ts"
import type { Flags } from "./RunFlags.ts"
import { clusterOf, type Config, keysOf, type Options } from "./RunOptions.ts"
import { inputEnded } from "./Signals.ts"

/** Several, each in a process of its own. */
export const run = Effect.fnUntraced(function* (count: number, flags: Flags, config: Config, options: Options) {
  const { advertised, cluster, host } = options
  const relays = yield* Effect.fromResult(
    relaysOf({
      count,
      name: options.relayId,
      advertised,
      ports: {
        port: options.port,
        "admin-port": options.admin.port,
        "cluster-port": cluster?.port ?? 0
      },
      args: [
        "--host",
        host,
        ...again("socket", flags.socket),
        ...again("drain-timeout", flags.drainSeconds),
        ...again("throttle", flags.throttle),
        ...again("capacity", flags.capacity),
        ...again("cluster-host", flags.clusterHost),
        ...again("state", flags.state),
        ...again("keys", flags.keys),
        ...again("impair", flags.impair),
        ...(flags.repair ? [] : ["--no-repair"])
      ],
      // It may have a password, which does not belong into the list of processes.
      env: { TANDEM_CLUSTER: Option.getOrElse(clusterOf(flags, config), () => ClusterFlag.ofMachine) }
    })
  )
  const sayReady = Effect.fnUntraced(function* (ready: ReadonlyArray<RelayProcesses.NamedRelay>) {
    if (flags.json) return yield* Console.log(JSON.stringify({ relays: ready, pid: process.pid }))
    const list = ready.map(({ address, http, relay }) => `${relay} on UDP ${address} (${http})`)
    yield* Console.log(`${count} relays ready: ${list.join(", ")}`)
    const first = ready[0]!.address
    if (Option.isNone(keysOf(flags, config)))
      yield* Console.log(yield* callLine(host, Number(first.slice(first.lastIndexOf(":") + 1))))
  })
  const running = Effect.mapError(RelayProcesses.run(relays, sayReady), failed)
  yield* Effect.raceFirst(running, flags.stopWithStdin ? inputEnded : Effect.never)
})
