import { Config, Effect, Option, Result, Schema, String as Text } from "effect"
import { AddressText } from "../call/CallState.ts"
import { RelayId } from "../protocol/Ids.ts"
import { relaysMax } from "../protocol/MessageKinds.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { SocketKind } from "./Network.ts"
import * as StateLayer from "./StateLayer.ts"
import { ThrottleKind } from "./ThrottleLayer.ts"

/** A variable of the environment has a value that cannot be used. `message` says which, and what can. */
export class BadSetting extends Schema.TaggedError<BadSetting>()("BadSetting", { message: Schema.String }) {}

const mebibyte = 1 << 20

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Both rings lie in one block of memory, whose offsets are 31 bits. */
const RingMegabytes = between(1, 960)

/** 0 takes a free one. */
const Port = between(0, 65535)

/** `allowed` finishes the sentence "TANDEM_PORT must be ...". */
const setting = <A>(
  name: string,
  allowed: string,
  config: (name: string) => Config.Config<A>,
  isAllowed: (value: A) => boolean = () => true
): Effect.Effect<A, BadSetting> => {
  const bad = () => new BadSetting({ message: `TANDEM_${Text.constantCase(name)} must be ${allowed}` })
  return config(name).pipe(Effect.mapError(bad), Effect.filterOrFail(isAllowed, bad))
}

const port = (name: string, otherwise: number) =>
  setting(name, "a port: a whole number from 0 to 65535, 0 for a free one", (name) =>
    Config.withDefault(Config.schema(Port, name), otherwise)
  )

const host = (name: string, otherwise: string) =>
  setting(
    name,
    "an IP address like 203.0.113.7 or 2001:db8::1",
    (name) => Config.withDefault(Config.String(name), otherwise),
    (host) => Result.isSuccess(PackedAddress.fromHost(host, 0))
  )

const ringBytes = (name: string, otherwise: number) =>
  setting(name, "a whole number from 1 to 960", (name) =>
    Config.withDefault(Config.schema(RingMegabytes, name), otherwise)
  ).pipe(Effect.map((megabytes) => megabytes * mebibyte))

/**
 * What a relay process is told by its environment: TANDEM_PORT and so on. The command line overrides each. This is the
 * only place that reads it.
 */
export const RelayConfig = Effect.all({
  relayId: setting("relayId", "a name of 1 to 64 bytes", (name) =>
    Config.withDefault(Config.schema(RelayId, name), RelayId.make("relay"))
  ),
  host: host("host", "0.0.0.0"),
  port: port("port", 3478),
  adminHost: host("adminHost", "127.0.0.1"),
  adminPort: port("adminPort", 9478),
  socket: setting("socket", `one of ${SocketKind.literals.join(", ")}`, (name) =>
    Config.withDefault(Config.schema(SocketKind, name), "auto" as const)
  ),
  throttle: setting("throttle", `one of ${ThrottleKind.literals.join(", ")}`, (name) =>
    Config.withDefault(Config.schema(ThrottleKind, name), "adaptive" as const)
  ),
  /** Packets a second. One that cannot be is left aside, with a line in the log. */
  capacity: setting("capacity", "a number of packets a second, like 100000", (name) =>
    Config.option(Config.Number(name))
  ),
  /** Of one machine. Left out: this is the only one. */
  processes: Config.option(Config.String("processes")),
  /** Left out: in the cluster's database, or in a file. */
  state: setting("state", StateLayer.allowed, (name) => Config.option(Config.String(name))),
  /** The database that the nodes share. Left out: this is the only node. */
  cluster: setting("cluster", StateLayer.allowedCluster, (name) => Config.option(Config.String(name))),
  /** Where the other nodes reach this one. */
  clusterHost: host("clusterHost", "127.0.0.1"),
  clusterPort: port("clusterPort", 0),
  advertise: setting(
    "advertise",
    "an address like 203.0.113.7:3478",
    (name) => Config.option(Config.schema(AddressText, name)),
    Option.match({ onNone: () => true, onSome: (address) => Result.isSuccess(PackedAddress.parse(address)) })
  ),
  drainSeconds: setting("drainSeconds", "a whole number from 0 to 86400", (name) =>
    Config.withDefault(Config.schema(between(0, 86_400), name), 30)
  ),
  /** The fleet's key file. */
  keys: setting("keys", "the path of a file", (name) => Config.option(Config.String(name))),
  /** Where devices may resume when this relay stops. The messages that carry them have no room for more. */
  otherRelays: setting(
    "otherRelays",
    `at most ${relaysMax} addresses like 203.0.113.8:3478, with commas between them`,
    (name) => Config.withDefault(Config.Array(AddressText, name), []),
    (relays) => relays.length <= relaysMax && relays.every((relay) => Result.isSuccess(PackedAddress.parse(relay)))
  ),
  audioRingBytes: ringBytes("audioRingMegabytes", 64),
  videoRingBytes: ringBytes("videoRingMegabytes", 192)
})
