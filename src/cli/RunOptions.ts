import { Effect, Option, Result, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { RelayId } from "../protocol/Ids.ts"
import * as KeyFile from "../server/KeyFile.ts"
import type * as Relay from "../server/Relay.ts"
import type { RelayConfig } from "../server/RelayConfig.ts"
import * as StateLayer from "../server/StateLayer.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { BadInput, badInput } from "./Failure.ts"
import { impairmentOf } from "./Impairing.ts"
import type { Flags } from "./RunFlags.ts"

/** Where to listen: names are not looked up. */
const hostOf = (name: string, value: Option.Option<string>, fallback: string): Result.Result<string, BadInput> => {
  const host = Option.getOrElse(value, () => fallback)
  return Result.mapBoth(PackedAddress.fromHost(host, 0), {
    onSuccess: () => host,
    onFailure: ({ message }) => new BadInput({ message: `--${name} ${message}` })
  })
}

/** What the flag says, or else the environment. */
export const parsed = <A>(
  flag: Option.Option<string>,
  setting: Option.Option<string>,
  parse: (text: string) => Result.Result<A, { readonly message: string }>
): Effect.Effect<A | undefined, BadInput> =>
  Option.match(
    Option.orElse(flag, () => setting),
    {
      onNone: () => Effect.undefined,
      onSome: (text) => Effect.mapError(Effect.fromResult(parse(text)), badInput)
    }
  )

const addressText = (text: string) => Result.map(PackedAddress.parse(text), () => text)

const relayIdOf = (flag: Option.Option<string>, fallback: RelayId): Effect.Effect<RelayId, BadInput> =>
  Option.match(flag, {
    onNone: () => Effect.succeed(fallback),
    onSome: (text) =>
      Effect.mapError(
        Schema.decodeEffect(RelayId)(text),
        () => new BadInput({ message: "--relay-id is a name of 1 to 64 bytes" })
      )
  })

/** A flag's number as a port, or what to say about it. */
const portOf = (name: string, value: Option.Option<number>, fallback: number): Result.Result<number, BadInput> => {
  const port = Option.getOrElse(value, () => fallback)
  return port >= 0 && port <= 65535
    ? Result.succeed(port)
    : Result.fail(new BadInput({ message: `--${name} ${port} is not a port: use 0 to 65535` }))
}

export type Config = Effect.Success<typeof RelayConfig>

/** What a relay is to be, of flags and environment. */
export const optionsOf = Effect.fnUntraced(function* (
  flags: Flags,
  config: Config,
  defaultCluster: Option.Option<string>
) {
  const keyRing = yield* Option.match(keysOf(flags, config), {
    onNone: () => KeyFile.readOrMakeForDevelopment(),
    onSome: KeyFile.read
  }).pipe(Effect.mapError(badInput), Effect.provide(SecureRandom.layerWebCrypto))
  const state = yield* parsed(flags.state, config.state, StateLayer.parse)
  const database = yield* parsed(
    flags.cluster,
    Option.orElse(config.cluster, () => defaultCluster),
    StateLayer.parseCluster
  )
  const cluster = database && {
    database,
    host: yield* Effect.fromResult(hostOf("cluster-host", flags.clusterHost, config.clusterHost)),
    port: yield* Effect.fromResult(portOf("cluster-port", flags.clusterPort, config.clusterPort))
  }
  return {
    ...config,
    keyRing,
    admin: {
      host: config.adminHost,
      port: yield* Effect.fromResult(portOf("admin-port", flags.adminPort, config.adminPort))
    },
    host: yield* Effect.fromResult(hostOf("host", flags.host, config.host)),
    port: yield* Effect.fromResult(portOf("port", flags.port, config.port)),
    repair: flags.repair,
    socket: Option.getOrElse(flags.socket, () => config.socket),
    throttle: Option.getOrElse(flags.throttle, () => config.throttle),
    capacityPerSecond: Option.getOrUndefined(Option.orElse(flags.capacity, () => config.capacity)),
    relayId: yield* relayIdOf(flags.relayId, config.relayId),
    advertised: yield* parsed(flags.advertise, config.advertise, addressText),
    state: state ?? (cluster === undefined ? StateLayer.ofRelayProcess : undefined),
    cluster,
    drainTimeoutMs: 1000 * Option.getOrElse(flags.drainSeconds, () => config.drainSeconds),
    impairment: yield* impairmentOf(flags.impair)
  } satisfies Relay.Options
})
export type Options = Effect.Success<ReturnType<typeof optionsOf>>

/** The database that is shared, and the key file, if they are said. */
export const clusterOf = (flags: Flags, config: Config) => Option.orElse(flags.cluster, () => config.cluster)
export const keysOf = (flags: Flags, config: Config) => Option.orElse(flags.keys, () => config.keys)
