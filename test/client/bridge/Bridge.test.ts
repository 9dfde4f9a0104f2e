import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { CallLost, slotsMax } from "../../../src/client/bridge/Bridge.ts"
import * as RtpClient from "../../../src/client/RtpClient.ts"
import * as LinkEmulator from "../../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../../src/sockets/simulated/SimulatedNetwork.ts"
import * as Raw from "../../server/RawDevice.ts"
import { hosts, setLinks } from "../RelayScene.ts"
import { type PacketShape, packetOf } from "../RtpPackets.ts"
import {
  addressOf,
  audio,
  both,
  bridgeScene,
  fileAt,
  inPort,
  layerSlowFiles,
  numbersTo,
  openBridge,
  outPort,
  program,
  video
} from "./BridgeScene.ts"

const videoOf = (number: number, shape: Partial<PacketShape> = {}) =>
  packetOf({
    ssrc: video.ssrc,
    payloadType: 96,
    sequenceNumber: (65_000 + number) & 0xffff,
    timestamp: number * 3000,
    marker: true,
    payload: Uint8Array.of(number, number >> 8),
    ...shape
  })

const audioOf = (number: number) =>
  packetOf({ ssrc: audio.ssrc, payloadType: 111, sequenceNumber: 7 + number, timestamp: number * 960 })

const bytesOf = (received: ReadonlyArray<{ readonly bytes: Uint8Array }>) => received.map(({ bytes }) => bytes)

describe("packets through two bridges", { timeout: 30_000 }, () => {
  it.effect("come out byte for byte, each stream on its own port, described in a file", () =>
    bridgeScene(
      110,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        const sender = yield* program(hosts.ada, 7000)
        const videoPlayer = yield* program(hosts.lin, outPort)
        const audioPlayer = yield* program(hosts.lin, outPort + 2)
        const pictures = [
          videoOf(0, { marker: false }),
          videoOf(1, { contributingSources: [1, 2], extension: new Uint8Array(8).fill(5) }),
          videoOf(2, { paddingBytes: 8 }),
          videoOf(3, { payload: new Uint8Array(1200) })
        ]
        const sounds = numbersTo(3).map(audioOf)
        yield* sender.send(inPort, ...pictures)
        yield* Effect.sleep(100)
        yield* sender.send(inPort + 2, ...sounds)
        yield* Effect.sleep(100)
        assert.deepStrictEqual(bytesOf(videoPlayer.received), pictures)
        assert.deepStrictEqual(bytesOf(audioPlayer.received), sounds)
        const [first, second] = lin.bridge.statistics().outputs
        assert.deepStrictEqual(
          new Set(videoPlayer.received.map(({ sourcePort }) => sourcePort)),
          new Set([first!.bridge.rtpPort])
        )
        assert.deepStrictEqual([second!.participant, second!.payloadType], [ada.client.participant, 111])
        assert.deepStrictEqual(
          lin.events.map((event) => event._tag),
          ["StreamStarted", "StreamStarted"]
        )
        assert.deepStrictEqual(fileAt("sdp/ada-11111.sdp")!.split("\r\n"), [
          "v=0",
          "o=- 11111 1 IN IP4 10.0.0.3",
          "s=ada",
          "c=IN IP4 10.0.0.3",
          "t=0 0",
          "m=video 6000 RTP/AVPF 96",
          "a=rtpmap:96 VP8/90000",
          "a=rtcp:6001",
          "a=recvonly",
          "a=ssrc:11111 cname:ada",
          "a=rtcp-fb:96 nack",
          "a=rtcp-fb:96 nack pli",
          ""
        ])
      })
    )
  )

  it.effect("all arrive once at 5 % loss on every hop", () =>
    bridgeScene(
      111,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        const sender = yield* program(hosts.ada, 7000)
        const player = yield* program(hosts.lin, outPort)
        yield* setLinks({ lossRatio: 0.05, jitterMs: 5 })
        for (const number of numbersTo(600)) {
          yield* sender.send(inPort, videoOf(number))
          yield* Effect.sleep(10)
        }
        yield* Effect.sleep(1000)
        const numbers = player.received.map(({ bytes }) => bytes[12]! | (bytes[13]! << 8))
        assert.deepStrictEqual(
          numbers.toSorted((a, b) => a - b),
          numbersTo(600)
        )
        assert.isAbove((yield* ada.client.statistics).uplink.packetsResent, 15)
        assert.isAbove((yield* lin.client.statistics).downlink.packetsRepaired, 15)
      })
    )
  )

  it.effect("go in once when the program sends them twice, and from the first when it starts anew", () =>
    bridgeScene(
      112,
      Effect.gen(function* () {
        const { ada } = yield* both
        const sender = yield* program(hosts.ada, 7000)
        const player = yield* program(hosts.lin, outPort)
        const before = numbersTo(20).map((number) => videoOf(number))
        const after = numbersTo(20).map((number) =>
          videoOf(number, { sequenceNumber: 30_000 + number, timestamp: 5 + number * 3000 })
        )
        for (const packet of [...before, ...after]) {
          yield* sender.send(inPort, packet, packet)
          yield* Effect.sleep(20)
        }
        yield* Effect.sleep(200)
        assert.deepStrictEqual(bytesOf(player.received), [...before, ...after])
        assert.isAtLeast(ada.bridge.statistics().inputs[0]!.packetsDuplicate, 38)
        assert.strictEqual((yield* ada.client.statistics).dropped.unread, 0)
      })
    )
  )

  it.effect("pass in both directions at once", () =>
    bridgeScene(
      113,
      Effect.gen(function* () {
        const own = { ...video, ssrc: 33_333 }
        yield* openBridge("ada")
        yield* openBridge("lin", { streams: [own] })
        yield* Effect.sleep(200)
        const programs = {
          ada: yield* program(hosts.ada, outPort),
          lin: yield* program(hosts.lin, outPort)
        }
        const fromLin = numbersTo(10).map((number) => videoOf(number, { ssrc: own.ssrc }))
        const fromAda = numbersTo(10).map((number) => videoOf(number))
        for (const number of numbersTo(10)) {
          yield* programs.ada.send(inPort, fromAda[number]!)
          yield* programs.lin.send(inPort, fromLin[number]!)
          yield* Effect.sleep(20)
        }
        yield* Effect.sleep(100)
        assert.deepStrictEqual(bytesOf(programs.lin.received), fromAda)
        assert.deepStrictEqual(bytesOf(programs.ada.received), fromLin)
      })
    )
  )
})

describe("packets that a bridge does not take", { timeout: 30_000 }, () => {
  it.effect("are those of other hosts, of other streams, and what is no RTP", () =>
    bridgeScene(
      114,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        const stranger = yield* program("10.0.0.9", 7000)
        const sender = yield* program(hosts.ada, 7000)
        const player = yield* program(hosts.lin, outPort)
        yield* sender.send(inPort, videoOf(0))
        yield* Effect.sleep(50)
        yield* stranger.sendTo(addressOf(hosts.ada, inPort), videoOf(1))
        yield* stranger.sendTo(addressOf(hosts.ada, inPort + 1), videoOf(1))
        const { bridge } = lin.bridge.statistics().outputs[0]!
        yield* stranger.sendTo(addressOf(hosts.lin, bridge.rtcpPort), Uint8Array.of(0x81, 206, 0, 2))
        yield* sender.send(
          inPort,
          videoOf(2, { ssrc: 5 }),
          videoOf(3, { ssrc: 6 }),
          Uint8Array.of(1),
          new Uint8Array(0)
        )
        yield* sender.send(inPort, videoOf(4))
        yield* Effect.sleep(100)
        assert.deepStrictEqual(bytesOf(player.received), [videoOf(0), videoOf(4)])
        const { dropped } = ada.bridge.statistics().inputs[0]!
        assert.deepInclude(dropped, { malformed: 2, otherSsrc: 2 })
        assert.deepStrictEqual([dropped.rtpPort.foreign, dropped.rtcpPort.foreign], [1, 1])
        assert.strictEqual(lin.bridge.statistics().outputs[0]!.dropped.rtcpPort.foreign, 1)
        assert.deepStrictEqual(
          ada.events.map((event) => [event._tag, event._tag === "OtherSsrc" && event.ssrc]),
          [["OtherSsrc", 5]]
        )
      })
    )
  )

  it.effect("are those that no datagram carries", () =>
    bridgeScene(
      115,
      Effect.gen(function* () {
        const { ada } = yield* both
        const sender = yield* program(hosts.ada, 7000)
        const player = yield* program(hosts.lin, outPort)
        const ofLength = (length: number) => videoOf(length, { payload: new Uint8Array(length - 12) })
        const longest = ofLength(RtpClient.packetBytesMax)
        yield* sender.send(inPort, ofLength(RtpClient.packetBytesMax + 1), longest)
        yield* Effect.sleep(100)
        assert.deepStrictEqual(bytesOf(player.received), [longest])
        assert.strictEqual((yield* ada.client.statistics).dropped.oversized, 1)
      })
    )
  )
})

describe("streams of a bridge", { timeout: 30_000 }, () => {
  it.effect("end with their sender, and come back to the same player", () =>
    bridgeScene(
      116,
      Effect.gen(function* () {
        const ada = yield* openBridge("ada")
        const lin = yield* openBridge("lin")
        yield* Effect.sleep(200)
        const sender = yield* program(hosts.ada, 7000)
        const player = yield* program(hosts.lin, outPort)
        yield* sender.send(inPort, videoOf(0))
        yield* Effect.sleep(100)
        yield* ada.client.leave
        yield* Effect.sleep(3000)
        const tags = () => lin.events.map((event) => event._tag)
        assert.deepStrictEqual(tags(), ["StreamStarted", "StreamEnded"])
        yield* openBridge("ada", { inPort: inPort + 100 })
        yield* Effect.sleep(200)
        yield* sender.send(inPort + 102, audioOf(0))
        yield* Effect.sleep(20)
        yield* sender.send(inPort + 100, videoOf(1))
        yield* Effect.sleep(100)
        assert.deepStrictEqual(tags().slice(2), ["StreamStarted", "StreamStarted"])
        assert.deepStrictEqual(bytesOf(player.received), [videoOf(0), videoOf(1)])
        assert.deepStrictEqual(
          lin.bridge.statistics().outputs.map(({ player, stream }) => [stream.ssrc, player.rtpPort]),
          [
            [video.ssrc, outPort],
            [audio.ssrc, outPort + 2],
            [video.ssrc, outPort]
          ]
        )
      })
    )
  )

  it.effect("end with a sender who leaves before they have begun", () =>
    bridgeScene(
      120,
      Effect.gen(function* () {
        const ada = yield* openBridge("ada")
        const lin = yield* openBridge("lin").pipe(Effect.provide(layerSlowFiles(3000)))
        yield* Effect.sleep(200)
        const sender = yield* program(hosts.ada, 7000)
        yield* sender.send(inPort, videoOf(0))
        yield* Effect.sleep(100)
        yield* ada.client.leave
        yield* Effect.sleep(6000)
        assert.deepStrictEqual(
          lin.events.map((event) => event._tag),
          ["StreamStarted", "StreamEnded"]
        )
      })
    )
  )

  it.effect("have free ports when none are asked for: even ones, with the next", () =>
    bridgeScene(
      117,
      Effect.gen(function* () {
        const ada = yield* openBridge("ada", { inPort: 0 })
        const lin = yield* openBridge("lin", { outPort: 0 })
        yield* Effect.sleep(200)
        const sender = yield* program(hosts.ada, 7000)
        const [input] = ada.bridge.inputs
        yield* sender.send(input!.ports.rtp.address[0]!, videoOf(0))
        yield* Effect.sleep(100)
        const [output] = lin.bridge.statistics().outputs
        const player = yield* program(hosts.lin, output!.player.rtpPort)
        yield* sender.send(input!.ports.rtp.address[0]!, videoOf(1))
        yield* Effect.sleep(100)
        assert.deepStrictEqual(bytesOf(player.received), [videoOf(1)])
        const { inputs } = ada.bridge.statistics()
        for (const { bridge } of [...inputs, output!]) {
          assert.strictEqual(bridge.rtpPort % 2, 0)
          assert.strictEqual(bridge.rtcpPort, bridge.rtpPort + 1)
        }
        assert.strictEqual(output!.player.rtpPort % 2, 0)
      })
    )
  )

  it.effect("are played up to a limit; packets of more are counted", () =>
    bridgeScene(
      119,
      Effect.gen(function* () {
        const lin = yield* openBridge("lin")
        for (const member of numbersTo(9)) {
          const offer = (ssrc: number) => ({ ...audio, ssrc })
          const streams = numbersTo(16).map((number) => offer(1 + member * 16 + number))
          const client = yield* RtpClient.join({
            relays: [Raw.relayAddress],
            token: yield* Raw.mint(`member-${member}`),
            streams,
            sharedSecret: undefined
          })
          const packets = streams.map(({ ssrc }) => packetOf({ ssrc, sequenceNumber: 0, timestamp: 0 }))
          yield* client.send(packets.map((bytes) => ({ bytes })))
        }
        yield* Effect.sleep(1000)
        const { outputs, packetsUnplayed } = lin.bridge.statistics()
        assert.strictEqual(outputs.length, slotsMax)
        assert.strictEqual(new Set(outputs.map(({ player }) => player.rtpPort)).size, slotsMax)
        assert.strictEqual(packetsUnplayed, 9 * 16 - slotsMax)
      })
    )
  )

  it.effect("end all when the call is lost", () =>
    bridgeScene(
      118,
      Effect.gen(function* () {
        const { ada } = yield* both
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const gone = { ...LinkEmulator.perfect, lossRatio: 1 }
        yield* network.setLink("10.0.0.1", hosts.ada, gone)
        yield* network.setLink(hosts.ada, "10.0.0.1", gone)
        yield* Effect.sleep("60 seconds")
        const exit = yield* Fiber.await(ada.running)
        assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof CallLost, String(exit))
      })
    )
  )
})
