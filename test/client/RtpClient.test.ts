import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CallClient from "../../src/client/CallClient.ts"
import * as RtpClient from "../../src/client/RtpClient.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as RtcpPacket from "../../src/protocol/RtcpPacket.ts"
import { hosts, scene, setLink, setLinks } from "./RelayScene.ts"
import { packetOf } from "./RtpPackets.ts"
import { audio, audioOf, both, join, optionsOf, video } from "./RtpScene.ts"
import { observe } from "./Scene.ts"

const numbersTo = (count: number) => Array.from({ length: count }, (_, number) => number)

const report = (ssrc: number) =>
  RtcpPacket.encode([
    {
      _tag: "SenderReport",
      ssrc,
      ntpTime: { seconds: 1, fraction: 2 },
      rtpTimestamp: 3,
      packetCount: 4,
      octetCount: 5,
      blocks: []
    }
  ])

describe("whole packets", { timeout: 30_000 }, () => {
  it.effect("arrive byte for byte, with contributing sources, extension and padding", () =>
    scene(
      90,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        const shapes = [
          {},
          { contributingSources: [1, 2, 3] },
          { extension: Uint8Array.of(0x10, 7, 0, 0) },
          { contributingSources: [9], extension: new Uint8Array(8), marker: true, paddingBytes: 4 },
          // Ciphertext may look like padding that is longer than the packet.
          { payload: new Uint8Array(20).fill(255), paddingBytes: 1 }
        ]
        const sent = shapes.map((shape, number) =>
          packetOf({ ssrc: video.ssrc, sequenceNumber: number, timestamp: number * 3000, ...shape })
        )
        sent[4]![sent[4]!.length - 1] = 255
        yield* ada.client.send(sent.map((bytes) => ({ bytes })))
        yield* Effect.sleep(100)
        assert.deepStrictEqual(
          lin.packets.map(({ bytes }) => bytes),
          sent
        )
        const [first] = lin.packets
        assert.deepStrictEqual(
          { ...first, arrivedAtMs: 0 },
          {
            participant: ada.client.participant,
            stream: first!.stream,
            bytes: sent[0],
            descriptor: HopFrame.startOfFrameFlag,
            arrivedAtMs: 0,
            repaired: false
          }
        )
        assert.deepInclude(first!.stream, { ssrc: video.ssrc, kind: "video", codec: "vp8", clockRate: 90_000 })
      })
    )
  )

  it.effect("come as they come: none is held back for one that is missing, which comes when it is repaired", () =>
    scene(
      91,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        for (const number of numbersTo(40)) {
          yield* setLink(hosts.ada, { lossRatio: number === 20 ? 1 : 0 })
          yield* ada.client.send([{ bytes: audioOf(number) }])
          yield* Effect.sleep(10)
        }
        yield* Effect.sleep(500)
        const order = lin.packets.map(({ bytes }) => bytes[12]!)
        assert.deepStrictEqual(
          [...order].sort((a, b) => a - b),
          numbersTo(40)
        )
        assert.isAbove(order.indexOf(20), order.indexOf(21))
        const others = order.filter((number) => number !== 20)
        assert.deepStrictEqual(
          others,
          [...others].sort((a, b) => a - b)
        )
        const delays = lin.packets
          .slice(0, 20)
          .map(({ arrivedAtMs }, i) => arrivedAtMs - lin.packets[0]!.arrivedAtMs - 10 * i)
        assert.isAtMost(Math.max(...delays), 1)
      })
    )
  )

  it.effect("all arrive once at 5 % loss on every link, doubled and disordered", () =>
    scene(
      92,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        yield* setLinks({ lossRatio: 0.05, jitterMs: 5, duplicateRatio: 0.05, reorderRatio: 0.02 })
        for (const number of numbersTo(250)) {
          yield* ada.client.send([{ bytes: audioOf(number) }])
          yield* Effect.sleep(20)
        }
        yield* Effect.sleep(1000)
        const numbers = lin.packets.map(({ bytes }) => bytes[12]! | (bytes[13]! << 8))
        assert.deepStrictEqual(
          numbers.sort((a, b) => a - b),
          numbersTo(250)
        )
        const { dropped, received } = yield* lin.client.statistics
        const stream = received.find(({ ssrc }) => ssrc === audio.ssrc)!
        assert.strictEqual(stream.packets, 250)
        assert.strictEqual(stream.packetsRepaired, lin.packets.filter(({ repaired }) => repaired).length)
        assert.isAbove(stream.packetsRepaired, 3)
        assert.strictEqual(dropped.unread, 0)
      })
    )
  )

  it.effect("go on from the first one when their sender starts its numbers anew, also a little behind", () =>
    scene(
      93,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        const packet = (sequenceNumber: number, timestamp: number) =>
          packetOf({ ssrc: audio.ssrc, sequenceNumber, timestamp })
        const sent = [
          ...numbersTo(50).map((number) => packet(1000 + number, number * 960)),
          ...numbersTo(50).map((number) => packet(990 + number, 777_777 + number * 960)),
          ...numbersTo(50).map((number) => packet(40_000 + number, 5 + number * 960))
        ]
        for (const bytes of sent) {
          yield* ada.client.send([{ bytes }])
          yield* Effect.sleep(5)
        }
        yield* Effect.sleep(100)
        assert.deepStrictEqual(
          lin.packets.map(({ bytes }) => bytes),
          sent
        )
      })
    )
  )

  it.effect("that cannot be sent are dropped and counted", () =>
    scene(
      94,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        const ofLength = (length: number) =>
          packetOf({ ssrc: video.ssrc, sequenceNumber: length, timestamp: 0, payload: new Uint8Array(length - 12) })
        const longest = ofLength(RtpClient.packetBytesMax)
        yield* ada.client.send([
          { bytes: ofLength(RtpClient.packetBytesMax + 1) },
          { bytes: packetOf({ ssrc: 5, sequenceNumber: 0, timestamp: 0 }) },
          { bytes: Uint8Array.of(1, 2, 3) },
          { bytes: longest }
        ])
        yield* ada.client.sendRtcp(report(5))
        yield* ada.client.sendRtcp(Uint8Array.of(0x80, 200))
        yield* ada.client.sendRtcp(Uint8Array.from([...report(audio.ssrc), ...new Uint8Array(1500)]))
        yield* Effect.sleep(100)
        assert.deepStrictEqual(
          lin.packets.map(({ bytes }) => bytes),
          [longest]
        )
        assert.deepStrictEqual(lin.rtcp, [])
        const { dropped, sent } = yield* ada.client.statistics
        assert.deepInclude(dropped, { oversized: 2, undeclaredStream: 2, malformed: 2 })
        assert.deepStrictEqual(
          sent.map(({ packets, payloadBytes }) => [packets, payloadBytes]),
          [
            [1, RtpClient.packetBytesMax - 12],
            [0, 0]
          ]
        )
      })
    )
  )

  it.effect("are refused more than a batch at once", () =>
    scene(
      95,
      Effect.gen(function* () {
        const { ada } = yield* both
        const many = numbersTo(257).map((number) => ({ bytes: audioOf(number) }))
        assert.include(String(yield* Effect.flip(Effect.sandbox(ada.client.send(many)))), "too many")
      })
    )
  )
})

describe("RTCP from end to end", { timeout: 30_000 }, () => {
  it.effect("arrives as it was sent, and is repaired", () =>
    scene(
      96,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        const sent = [report(audio.ssrc), report(video.ssrc)]
        yield* ada.client.sendRtcp(sent[0]!)
        yield* Effect.sleep(20)
        yield* setLink(hosts.ada, { lossRatio: 1 })
        yield* ada.client.sendRtcp(sent[1]!)
        yield* setLink(hosts.ada, {})
        yield* Effect.sleep(400)
        assert.deepStrictEqual(
          lin.rtcp.map(({ bytes, participant, stream }) => [participant, stream.ssrc, bytes]),
          [
            [ada.client.participant, audio.ssrc, sent[0]],
            [ada.client.participant, video.ssrc, sent[1]]
          ]
        )
      })
    )
  )

  it.effect("is no packet of a CallClient, nor a gap in its leg", () =>
    scene(
      97,
      Effect.gen(function* () {
        const ada = yield* join("ada")
        const lin = yield* CallClient.join(yield* optionsOf("lin"))
        const observed = yield* observe(lin)
        yield* Effect.sleep(200)
        for (const number of numbersTo(20)) {
          yield* ada.client.send([{ bytes: audioOf(number) }])
          yield* ada.client.sendRtcp(report(audio.ssrc))
          yield* Effect.sleep(20)
        }
        yield* Effect.sleep(500)
        assert.deepStrictEqual(
          observed.packets.map(({ missedBefore, payload }) => [payload[0], missedBefore]),
          numbersTo(20).map((number) => [number, 0])
        )
        const { downlink, dropped } = yield* lin.statistics
        assert.deepInclude(downlink, { packetsReceived: 40, packetsLost: 0, packetsRepaired: 0 })
        assert.strictEqual(dropped.unsupportedType, 20)
      })
    )
  )
})

describe("key frames of streams that cannot be read", { timeout: 30_000 }, () => {
  it.effect("are asked for by the application only, and not for ever", () =>
    scene(
      98,
      Effect.gen(function* () {
        const { ada, lin } = yield* both
        const frame = (number: number) => ({
          bytes: packetOf({ ssrc: video.ssrc, sequenceNumber: number, timestamp: number * 3000, marker: true })
        })
        const show = Effect.fnUntraced(function* (first: number, count: number) {
          for (let number = first; number < first + count; number++) {
            yield* ada.client.send([frame(number)])
            yield* Effect.sleep(33)
          }
        })
        yield* show(0, 60)
        yield* setLinks({ lossRatio: 0.5 })
        yield* show(60, 30)
        yield* setLinks({})
        yield* show(90, 30)
        assert.deepStrictEqual(ada.keyFrameRequests, [])
        yield* lin.client.requestKeyFrame(video.ssrc)
        yield* show(120, 300)
        // Two at every hop; the relay takes the second of them for a wish of its own.
        assert.isAtLeast(ada.keyFrameRequests.length, 2)
        assert.isAtMost(ada.keyFrameRequests.length, 4)
        assert.deepStrictEqual(new Set(ada.keyFrameRequests), new Set([video.ssrc]))
      })
    )
  )
})
