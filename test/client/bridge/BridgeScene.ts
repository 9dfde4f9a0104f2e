import { Effect, FileSystem, Layer, Path, Result, Stream } from "effect"
import * as Bridge from "../../../src/client/bridge/Bridge.ts"
import type { BridgeEvent } from "../../../src/client/bridge/BridgeEvent.ts"
import * as LocalPort from "../../../src/client/bridge/LocalPort.ts"
import type { JoinOptions } from "../../../src/client/JoinOptions.ts"
import * as RtpClient from "../../../src/client/RtpClient.ts"
import * as RtcpHeader from "../../../src/protocol/RtcpHeader.ts"
import * as RtcpPacket from "../../../src/protocol/RtcpPacket.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as LinkEmulator from "../../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../../src/sockets/simulated/SimulatedNetwork.ts"
import * as Raw from "../../server/RawDevice.ts"
import { hosts, type Name, scene } from "../RelayScene.ts"
import { opus, vp8 } from "../Scene.ts"

/** Two bridges in one call over the relay, and programs beside each of them that speak RTP. */

export const video = { ...vp8, ssrc: 11_111 }
export const audio = { ...opus, ssrc: 22_222 }
export const inPort = 5100
export const outPort = 6000

/** Files in memory, and a network on which programs of one host reach each other at once. */
const files = new Map<string, string>()
const layerFiles = Layer.merge(
  FileSystem.layerNoop({
    makeDirectory: () => Effect.void,
    writeFileString: (path, text) => Effect.sync(() => void files.set(path, text))
  }),
  Path.layer
)

/** Files on a disk that needs so long. */
export const layerSlowFiles = (writeMs: number) =>
  FileSystem.layerNoop({ makeDirectory: () => Effect.void, writeFileString: () => Effect.sleep(writeMs) })

export const fileAt = (path: string): string | undefined => files.get(path)

const nearby = Effect.gen(function* () {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  for (const host of Object.values(hosts)) yield* network.setLink(host, host, LinkEmulator.perfect)
})

export const bridgeScene = <A, E>(
  seed: number,
  test: Effect.Effect<
    A,
    E,
    Effect.Services<typeof nearby> | Effect.Services<ReturnType<typeof openBridge>> | SimulatedNetwork.SimulatedNetwork
  >
) => scene(seed, Effect.andThen(nearby, test).pipe(Effect.provide(layerFiles)))

/** A bridge that runs until the scope ends. */
export const openBridge = Effect.fnUntraced(function* (
  participant: Name,
  options: Partial<Bridge.Options> & Partial<JoinOptions> = {}
) {
  const client = yield* RtpClient.join({
    relays: [Raw.relayAddress],
    token: yield* Raw.mint(participant),
    streams: participant === "ada" ? [video, audio] : [],
    sharedSecret: undefined,
    host: hosts[participant],
    ...options
  })
  const events: Array<BridgeEvent> = []
  const bridge = yield* Bridge.open({
    client,
    host: hosts[participant],
    inPort,
    outPort,
    srtcp: false,
    srtpKey: undefined,
    sdpDirectory: "sdp",
    onEvent: (event) => Effect.sync(() => events.push(event)),
    ...options
  })
  const running = yield* Effect.forkScoped(bridge.run)
  return { client, bridge, events, running }
})

/** Ada's bridge, which sends, and lin's, which receives. */
export const both = Effect.gen(function* () {
  const ada = yield* openBridge("ada")
  const lin = yield* openBridge("lin")
  yield* Effect.sleep(200)
  return { ada, lin }
})

export const addressOf = (host: string, port: number) => Result.getOrThrow(PackedAddress.fromHost(host, port))

/** A port of a program: it sends what it is told, and remembers what it hears. */
export const program = Effect.fnUntraced(function* (host: string, port: number) {
  const opened = yield* LocalPort.open(host, port)
  const received: Array<{ readonly bytes: Uint8Array; readonly sourcePort: number }> = []
  yield* Stream.runForEach(opened.batches, (datagrams) =>
    Effect.sync(() => {
      for (const { bytes, source } of datagrams) received.push({ bytes: bytes.slice(), sourcePort: source[0]! })
    })
  ).pipe(Effect.forkScoped)
  return {
    received,
    send: (toPort: number, ...datagrams: ReadonlyArray<Uint8Array>) => opened.send(datagrams, addressOf(host, toPort)),
    sendTo: (to: Uint32Array, ...datagrams: ReadonlyArray<Uint8Array>) => opened.send(datagrams, to),
    /** All RTCP packets so far, compounds taken apart. */
    rtcp: (): ReadonlyArray<RtcpPacket.RtcpPacket> =>
      received
        .filter(({ bytes }) => RtcpHeader.isRtcp(bytes, 0, bytes.length))
        .flatMap(({ bytes }) => Result.getOrThrow(RtcpPacket.decode(bytes)))
  }
})

export const tagged = <Tag extends RtcpPacket.RtcpPacket["_tag"]>(
  packets: ReadonlyArray<RtcpPacket.RtcpPacket>,
  tag: Tag
): ReadonlyArray<Extract<RtcpPacket.RtcpPacket, { readonly _tag: Tag }>> =>
  packets.filter((packet): packet is Extract<RtcpPacket.RtcpPacket, { readonly _tag: Tag }> => packet._tag === tag)

export const numbersTo = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, number) => number)
