import { Config, Schema } from "effect"
import { AddressText } from "../call/CallState.ts"
import { RelayId } from "../protocol/Ids.ts"
import { relaysMax } from "../protocol/MessageKinds.ts"

const mebibyte = 1 << 20

/** Both rings lie in one block of memory, whose offsets are 31 bits. */
const RingMegabytes = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 960 }))

const ringBytes = (name: string, megabytesDefault: number) =>
  Config.schema(RingMegabytes, name).pipe(
    Config.withDefault(megabytesDefault),
    Config.map((megabytes) => megabytes * mebibyte)
  )

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
  /**
   * "203.0.113.8:3478,203.0.113.9:3478": where devices may resume when this relay stops. Of a longer list the first count:
   * the messages that carry them have no room for more.
   */
  otherRelays: Config.Array(AddressText, "otherRelays").pipe(
    Config.withDefault([]),
    Config.map((relays) => relays.slice(0, relaysMax))
  ),
  audioRingBytes: ringBytes("audioRingMegabytes", 64),
  videoRingBytes: ringBytes("videoRingMegabytes", 192)
})
