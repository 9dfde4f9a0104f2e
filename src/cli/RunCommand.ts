import { Console, Effect, FileSystem, Option } from "effect"
import { Command } from "effect/cli"
import * as ClusterLayer from "../server/ClusterLayer.ts"
import * as Relay from "../server/Relay.ts"
import { RelayConfig } from "../server/RelayConfig.ts"
import * as RelayProcesses from "../server/RelayProcesses.ts"
import { badInput, failed } from "./Failure.ts"
import { again, parse as parseProcesses, relaysOf } from "./ProcessesFlag.ts"
import { clusterOf, type Config, type Flags, flags, keysOf, type Options, optionsOf, parsed } from "./RunFlags.ts"
import { inputEnded } from "./Signals.ts"

/** One relay, in this process. */
const runOne = Effect.fnUntraced(function* (flags: Flags, config: Config) {
  const { address, adminPort, host, port, socket, stopRequested } = yield* Relay.Relay
  const http = `http://${config.adminHost}:${adminPort}`
  if (flags.json) yield* Console.log(JSON.stringify({ address, socket, http, pid: process.pid }))
  else {
    yield* Console.log(`relay ready on UDP ${address}, health and metrics on ${http}`)
    if (Option.isNone(keysOf(flags, config))) yield* Console.log(yield* callLine(host, port))
  }
  yield* Effect.raceFirst(stopRequested, flags.stopWithStdin ? inputEnded : Effect.never)
})

/** Several, each in a process of its own. */
const runSeveral = Effect.fnUntraced(function* (count: number, flags: Flags, config: Config, options: Options) {
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
        ...again("cluster-host", flags.clusterHost),
        ...again("state", flags.state),
        ...again("keys", flags.keys),
        ...again("impair", flags.impair),
        ...(flags.repair ? [] : ["--no-repair"])
      ],
      // It may have a password, which does not belong into the list of processes.
      env: { TANDEM_CLUSTER: Option.getOrElse(clusterOf(flags, config), () => ClusterLayer.ofMachine) }
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

export const command = Command.make(
  "run",
  flags,
  Effect.fn(function* (flags) {
    const config = yield* Effect.mapError(RelayConfig, badInput)
    const count = (yield* parsed(flags.processes, config.processes, parseProcesses)) ?? 1
    const options = yield* optionsOf(flags, config, count > 1 ? Option.some(ClusterLayer.ofMachine) : Option.none())
    if (count > 1) return yield* runSeveral(count, flags, config, options)
    yield* Effect.provide(runOne(flags, config), Relay.layer(options)).pipe(
      Effect.catchTags({
        PortNotOpened: (error) => Effect.fail(failed(error)),
        SocketNotAvailable: (error) => Effect.fail(badInput(error)),
        DatabaseNotOpened: (error) => Effect.fail(failed(error)),
        ClusterNotJoined: (error) => Effect.fail(failed(error)),
        RelayRefused: (error) => Effect.fail(failed(error)),
        AdminPortNotOpened: (error) => Effect.fail(failed(error))
      })
    )
  })
).pipe(Command.withDescription("Run a relay, or several that share their calls"))

const isAny = (host: string): boolean => host === "0.0.0.0" || host === "::"

/** What to paste into a second terminal: with the sample media in a clone, without media elsewhere. */
const callLine = Effect.fnUntraced(function* (bound: string, port: number) {
  const host = isAny(bound) ? "127.0.0.1" : bound
  const fileSystem = yield* FileSystem.FileSystem
  const hasSamples = yield* fileSystem.exists("samples/speech.opus").pipe(Effect.orElseSucceed(() => false))
  const tandem = hasSamples ? "npm run tandem --" : "tandem"
  const media = hasSamples ? " --audio samples/speech.opus --video samples/video.ivf" : ""
  const relay = `${host.includes(":") ? `[${host}]` : host}:${port}`
  const line = (name: string) =>
    `  ${tandem} call --relay ${relay} --call hello --as ${name} --passphrase hello${media} --record ${name}`
  return `to try it, paste one of these into each of two other terminals:\n${line("ada")}\n${line("lin")}`
})
