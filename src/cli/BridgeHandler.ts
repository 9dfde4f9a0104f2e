import { Console, Effect, FileSystem, Option, Result, Stream } from "effect"
import * as Bridge from "../client/bridge/Bridge.ts"
import * as LocalPort from "../client/bridge/LocalPort.ts"
import * as RtpClient from "../client/RtpClient.ts"
import * as Network from "../server/Network.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import type { Flags } from "./BridgeCommand.ts"
import * as BridgeReport from "./BridgeReport.ts"
import { BadInput } from "./Failure.ts"
import { impairmentOf } from "./Impairing.ts"
import { sayWhy, secretOf, tokenOf } from "./Joining.ts"
import * as SendFlag from "./SendFlag.ts"

const portMax = 65535
/** Master key and salt of AES_CM_128_HMAC_SHA1_80, RFC 4568 section 6.2. Bytes. */
const srtpKeyBytes = 30

/** RTP ports are even, and all streams must find room behind the first. */
const checkPort = (name: string, port: number, streams: number): Result.Result<number, BadInput> => {
  if (port === 0) return Result.succeed(port)
  const highest = portMax + 1 - 2 * Math.max(1, streams)
  if (port % 2 === 0 && port > 0 && port <= highest) return Result.succeed(port)
  return Result.fail(
    new BadInput({ message: `--${name} ${port} cannot be: use an even port up to ${highest}, or 0 for free ones` })
  )
}

const checkLocal = (host: string): Result.Result<string, BadInput> =>
  Result.flatMap(
    Result.mapError(PackedAddress.fromHost(host, 0), ({ message }) => new BadInput({ message: `--local ${message}` })),
    (address) =>
      PackedAddress.isUnspecified(address)
        ? Result.fail(new BadInput({ message: `--local ${host} is all addresses: name the one that programs use` }))
        : Result.succeed(host)
  )

const checkSrtpKey = (key: Option.Option<string>): Result.Result<string | undefined, BadInput> => {
  const text = Option.getOrUndefined(key)
  const isKey = text === undefined || (/^[A-Za-z0-9+/]*$/.test(text) && text.length * 3 === srtpKeyBytes * 4)
  return isKey
    ? Result.succeed(text)
    : Result.fail(
        new BadInput({ message: `--srtp-key is not ${srtpKeyBytes} bytes in base64: take openssl rand -base64 30` })
      )
}

/** Makes the directory of the session descriptions: who cannot have one there is told before the call is joined. */
const makeSdpDirectory = Effect.fnUntraced(function* (directory: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const refuse = (problem: string) => Effect.fail(new BadInput({ message: `--sdp ${directory} ${problem}` }))
  const info = yield* Effect.option(fileSystem.stat(directory))
  if (Option.isSome(info) && info.value.type !== "Directory") return yield* refuse("is a file: name a directory")
  yield* fileSystem.makeDirectory(directory, { recursive: true }).pipe(
    Effect.andThen(fileSystem.access(directory, { writable: true })),
    Effect.catchTag("PlatformError", ({ reason }) =>
      refuse(`cannot be written to (${reason._tag}): name another directory`)
    )
  )
})

/** For a program; closed at once. */
const freePort = (host: string) => Effect.scoped(Effect.map(LocalPort.open(host, 0), ({ address }) => address[0]!))

/** The relay that has granted the session. */
const relayOf = (client: RtpClient.RtpClient) =>
  client.connection.pipe(
    Stream.filter((event) => event._tag === "Connected"),
    Stream.take(1),
    Stream.runCollect,
    Effect.map(([event]) => event?.relay ?? "")
  )

export const run = Effect.fn(function* (flags: Flags) {
  const impairment = yield* impairmentOf(flags.impair)
  const streams = yield* Effect.fromResult(SendFlag.parseAll(flags.send))
  const inPort = yield* Effect.fromResult(checkPort("in-port", flags.inPort, streams.length))
  const outPort = yield* Effect.fromResult(checkPort("out-port", flags.outPort, Bridge.slotsMax))
  const host = yield* Effect.fromResult(checkLocal(flags.local))
  const srtpKey = yield* Effect.fromResult(checkSrtpKey(flags.srtpKey))
  const token = yield* tokenOf(flags)
  const sharedSecret = yield* secretOf(flags.passphrase, token.claims.call)
  if (sharedSecret !== undefined && (srtpKey !== undefined || flags.srtcp)) {
    return yield* new BadInput({
      message: "--passphrase is for programs that send in clear: leave it out, or --srtp-key and --srtcp"
    })
  }
  yield* makeSdpDirectory(flags.sdp)
  yield* Effect.gen(function* () {
    // Only the way to the relay is treated badly.
    const client = yield* RtpClient.join({
      relays: flags.relay.split(","),
      token,
      streams,
      sharedSecret,
      repair: flags.repair,
      waitWhenBusyMs: flags.waitWhenBusySeconds * 1000,
      software: "tandem bridge"
    }).pipe(Effect.provide(Network.layer(impairment)))
    const surroundings = { host, srtpKey, srtcp: flags.srtcp }
    const rtcpPorts = yield* Effect.forEach(streams, () => freePort(host))
    const report = flags.json ? BridgeReport.json : BridgeReport.text({ client, surroundings, rtcpPorts })
    const bridge = yield* Bridge.open({
      client,
      host,
      inPort,
      outPort,
      srtcp: flags.srtcp,
      srtpKey,
      sdpDirectory: flags.sdp,
      onEvent: (event) => Console.log(report.event(event))
    })
    yield* Console.log(report.ready(bridge, yield* relayOf(client)))
    yield* Effect.ensuring(
      bridge.run,
      Effect.flatMap(client.statistics, (statistics) => Console.log(report.summary(bridge, statistics)))
    )
  }).pipe(Effect.scoped, Effect.provide(Network.layer(undefined)), Effect.catchTags(sayWhy))
})
