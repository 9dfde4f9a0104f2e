import { Config, Schema } from "effect"
import { RelayId } from "../protocol/Ids.ts"

const mebibyte = 1 << 20

/**
 * What a relay process is told by its environment: TANDEM_PORT and so on. The command line overrides each. This is the
 * only place that reads it.
 */
export const RelayConfig = Config.all({
  relayId: Config.schema(RelayId, "relayId").pipe(Config.withDefault(RelayId.make("relay"))),
  host: Config.String("host").pipe(Config.withDefault("0.0.0.0")),
  port: Config.Port("port").pipe(Config.withDefault(3478)),
  adminHost: Config.String("adminHost").pipe(Config.withDefault("127.0.0.1")),
  adminPort: Config.Port("adminPort").pipe(Config.withDefault(9478)),
  /** The fleet's key file. */
  keys: Config.option(Config.String("keys")),
  /** "203.0.113.8:3478,203.0.113.9:3478": where devices may resume when this relay stops. */
  otherRelays: Config.Array(Schema.String, "otherRelays").pipe(Config.withDefault([])),
  audioRingBytes: Config.Int("audioRingMegabytes").pipe(
    Config.withDefault(64),
    Config.map((megabytes) => megabytes * mebibyte)
  ),
  videoRingBytes: Config.Int("videoRingMegabytes").pipe(
    Config.withDefault(192),
    Config.map((megabytes) => megabytes * mebibyte)
  )
})
