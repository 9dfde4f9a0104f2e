import { Console, Effect, FileSystem, Layer, Option, Result } from "effect"
import { Command, Flag } from "effect/cli"
import { SecureRandom } from "effect/crypto"
import * as KeyFile from "../server/KeyFile.ts"
import * as Network from "../server/Network.ts"
import * as Relay from "../server/Relay.ts"
import { RelayConfig } from "../server/RelayConfig.ts"
import * as Impairment from "../sockets/Impairment.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { BadInput, badInput, failed } from "./Failure.ts"
import { keysFlag } from "./TokenCommand.ts"

export const impairFlag = Flag.String("impair").pipe(
  Flag.withMetavar("loss=0.05,delay=20ms"),
  Flag.withDescription("Treat what this process sends badly, to try things out"),
  Flag.optional
)

export const repairFlag = Flag.Boolean("repair").pipe(
  Flag.withDescription("Ask for lost packets and send them again; --no-repair shows what that is worth"),
  Flag.withDefault(true)
)

export const impairmentOf = (text: Option.Option<string>): Effect.Effect<Impairment.Impairment | undefined, BadInput> =>
  Option.match(text, {
    onNone: () => Effect.undefined,
    onSome: (text) => Effect.mapError(Effect.fromResult(Impairment.parse(text)), badInput)
  })

const flags = {
  host: Flag.String("host").pipe(Flag.withDescription("IP address to bind (TANDEM_HOST)"), Flag.optional),
  port: Flag.Int("port").pipe(Flag.withDescription("UDP port, 0 for a free one (TANDEM_PORT)"), Flag.optional),
  adminPort: Flag.Int("admin-port").pipe(
    Flag.withDescription("HTTP port for health and metrics (TANDEM_ADMIN_PORT)"),
    Flag.optional
  ),
  keys: keysFlag,
  socket: Flag.Literals("socket", Network.SocketKind.literals).pipe(
    Flag.withDescription("Batched system calls where there are (auto), always, or never (TANDEM_SOCKET)"),
    Flag.optional
  ),
  impair: impairFlag,
  repair: repairFlag,
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON object when the relay is ready"),
    Flag.withDefault(false)
  )
}

/** Where to listen: names are not looked up. */
const hostOf = (value: Option.Option<string>, fallback: string): Result.Result<string, BadInput> => {
  const host = Option.getOrElse(value, () => fallback)
  return Result.mapBoth(PackedAddress.fromHost(host, 0), {
    onSuccess: () => host,
    onFailure: ({ message }) => new BadInput({ message: `--host ${message}` })
  })
}

/** A flag's number as a port, or what to say about it. */
const portOf = (name: string, value: Option.Option<number>, fallback: number): Result.Result<number, BadInput> => {
  const port = Option.getOrElse(value, () => fallback)
  return port >= 0 && port <= 65535
    ? Result.succeed(port)
    : Result.fail(new BadInput({ message: `--${name} ${port} is not a port: use 0 to 65535` }))
}

export const command = Command.make(
  "run",
  flags,
  Effect.fn(function* (flags) {
    const config = yield* Effect.mapError(RelayConfig, badInput)
    const keys = Option.orElse(flags.keys, () => config.keys)
    const keyRing = yield* Option.match(keys, {
      onNone: () => KeyFile.readOrMakeForDevelopment(),
      onSome: KeyFile.read
    }).pipe(Effect.mapError(badInput), Effect.provide(SecureRandom.layerWebCrypto))
    const admin = {
      host: config.adminHost,
      port: yield* Effect.fromResult(portOf("admin-port", flags.adminPort, config.adminPort))
    }
    const relay = Relay.layer({
      ...config,
      keyRing,
      admin,
      host: yield* Effect.fromResult(hostOf(flags.host, config.host)),
      port: yield* Effect.fromResult(portOf("port", flags.port, config.port)),
      repair: flags.repair,
      socket: Option.getOrElse(flags.socket, () => config.socket),
      impairment: yield* impairmentOf(flags.impair)
    })
    const ready = Effect.gen(function* () {
      const { address, host, port, socket, adminPort } = yield* Relay.Relay
      const http = `http://${admin.host}:${adminPort}`
      if (flags.json) return yield* Console.log(JSON.stringify({ address, socket, http, pid: process.pid }))
      yield* Console.log(`relay ready on UDP ${address}, health and metrics on ${http}`)
      if (Option.isNone(keys)) yield* Console.log(yield* callLine(isAny(host) ? "127.0.0.1" : host, port))
    })
    yield* Layer.launch(Layer.provide(Layer.effectDiscard(ready), relay)).pipe(
      Effect.catchTags({
        PortNotOpened: (error) => Effect.fail(failed(error)),
        SocketNotAvailable: (error) => Effect.fail(badInput(error)),
        AdminPortNotOpened: (error) => Effect.fail(failed(error))
      })
    )
  })
).pipe(Command.withDescription("Run a relay"))

const isAny = (host: string): boolean => host === "0.0.0.0" || host === "::"

/** What to paste into a second terminal: with the sample media in a clone, without media elsewhere. */
const callLine = Effect.fnUntraced(function* (host: string, port: number) {
  const fileSystem = yield* FileSystem.FileSystem
  const hasSamples = yield* fileSystem.exists("samples/speech.opus").pipe(Effect.orElseSucceed(() => false))
  const tandem = hasSamples ? "npm run tandem --" : "tandem"
  const media = hasSamples ? " --audio samples/speech.opus --video samples/video.ivf" : ""
  const relay = `${host.includes(":") ? `[${host}]` : host}:${port}`
  const line = (name: string) =>
    `  ${tandem} call --relay ${relay} --call hello --as ${name} --passphrase hello${media} --record ${name}`
  return `to try it, paste one of these into each of two other terminals:\n${line("ada")}\n${line("lin")}`
})
