import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import * as EndToEndEncryption from "../../src/client/EndToEndEncryption.ts"
import * as CallClient from "../../src/client/CallClient.ts"
import { metadataOf } from "../../src/client/streams/Metadata.ts"
import * as SendingStream from "../../src/client/streams/SendingStream.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import type { FakeRelay } from "./FakeRelay.ts"
import { audioPacket, deviceHost, joined, lin, linkMs, relayA, rosterOf, run, sharedSecret } from "./Scene.ts"

const numbersTo = (count: number) => Array.from({ length: count }, (_, number) => number)
const payloadOf = (number: number) => audioPacket(number).payload

/** So many packets of lin's audio, 20 ms each. */
const speak = Effect.fnUntraced(function* (
  relay: FakeRelay,
  from: SendingStream.SendingStream,
  numbers: ReadonlyArray<number>
) {
  for (const number of numbers) {
    yield* relay.sendMedia(from, audioPacket(number))
    yield* TestClock.adjust(20)
  }
})

const withLin = Effect.fnUntraced(function* (options: Parameters<typeof joined>[0] = {}) {
  const scene = yield* joined(options)
  const other = lin(1)
  yield* scene.relay.direct(rosterOf(1, [other.entry]))
  yield* TestClock.adjust(2 * linkMs)
  return { ...scene, lin: other }
})

/** From now on, in both directions. */
const worsen = Effect.fnUntraced(function* (link: Partial<LinkEmulator.LinkOptions>) {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  const worse = { ...LinkEmulator.perfect, latencyMs: linkMs, ...link }
  yield* network.setLink(relayA, deviceHost, worse)
  yield* network.setLink(deviceHost, relayA, worse)
})

describe("packets that are received", () => {
  it.effect("come decrypted, in order, and say when they arrived", () =>
    Effect.gen(function* () {
      const { lin, observed, relay } = yield* withLin()
      const startedAtMs = 160
      yield* speak(relay, lin.audio, numbersTo(5))
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(
        observed.packets.map(({ payload }) => payload),
        numbersTo(5).map(payloadOf)
      )
      const [first] = observed.packets
      const { arrivedAtMs, sequenceNumber, ...rest } = first!
      assert.strictEqual(sequenceNumber, (lin.audio.nextSequenceNumber - 5) & 0xffff)
      assert.isAtLeast(arrivedAtMs, startedAtMs)
      assert.deepStrictEqual(
        observed.packets.map((packet) => packet.arrivedAtMs - arrivedAtMs),
        [0, 20, 40, 60, 80]
      )
      assert.deepStrictEqual(rest, {
        participant: lin.participant,
        ssrc: 1001,
        kind: "audio",
        codec: "opus",
        timestamp: 0,
        marker: true,
        payload: payloadOf(0),
        descriptor: 0x80 | 30,
        repaired: false,
        missedBefore: 0
      })
    }).pipe(run(30))
  )

  it.effect("are asked for when they are lost, and come in their place", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const { client, lin, observed, relay } = yield* withLin()
      const link = { ...LinkEmulator.perfect, latencyMs: linkMs }
      yield* speak(relay, lin.audio, numbersTo(20))
      yield* network.setLink(relayA, deviceHost, { ...link, lossRatio: 1 })
      yield* relay.sendMedia(lin.audio, audioPacket(20))
      yield* network.setLink(relayA, deviceHost, link)
      yield* TestClock.adjust(20)
      yield* speak(relay, lin.audio, [21, 22, 23, 24])
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(
        observed.packets.map(({ payload }) => payload),
        numbersTo(25).map(payloadOf)
      )
      assert.deepStrictEqual(
        observed.packets.filter(({ repaired }) => repaired).map(({ timestamp }) => timestamp),
        [20 * 960]
      )
      const lost = observed.packets[20]!
      assert.isAtMost(
        lost.arrivedAtMs - observed.packets[21]!.arrivedAtMs,
        2 * linkMs + 6,
        "one round trip after the gap"
      )
      const { downlink, received } = yield* client.statistics
      assert.deepStrictEqual(downlink, {
        packetsReceived: 25,
        packetsLost: 1,
        packetsRepaired: 1,
        packetsRecovered: 0,
        packetsDuplicate: 0
      })
      assert.strictEqual(received.find(({ ssrc }) => ssrc === 1001)?.packetsRepaired, 1)
    }).pipe(run(31))
  )

  it.effect("are all there at 10 % loss each way, reordered and doubled", () =>
    Effect.gen(function* () {
      const { client, lin, observed, relay } = yield* withLin()
      yield* worsen({ lossRatio: 0.1, jitterMs: 15, duplicateRatio: 0.05, reorderRatio: 0.05 })
      yield* speak(relay, lin.audio, numbersTo(250))
      yield* TestClock.adjust(1000)
      const timestamps = observed.packets.map(({ timestamp }) => timestamp)
      assert.deepStrictEqual(
        timestamps,
        [...new Set(timestamps)].sort((a, b) => a - b),
        "in order, each once"
      )
      const missed = observed.packets.reduce((sum, { missedBefore }) => sum + missedBefore, 0)
      assert.strictEqual(timestamps.length + missed, 250)
      // Three or four passages fit into 300 ms.
      assert.isAtMost(missed, 4)
      const { downlink } = yield* client.statistics
      assert.isAbove(downlink.packetsRepaired, 10)
      assert.isAbove(downlink.packetsDuplicate, 2)
    }).pipe(run(32))
  )

  it.effect("are given up after the playout delay without repair, and say so", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const { client, lin, observed, relay } = yield* withLin({ repair: false })
      const link = { ...LinkEmulator.perfect, latencyMs: linkMs }
      yield* speak(relay, lin.audio, numbersTo(20))
      yield* network.setLink(relayA, deviceHost, { ...link, lossRatio: 1 })
      yield* speak(relay, lin.audio, [20, 21])
      yield* network.setLink(relayA, deviceHost, link)
      yield* speak(relay, lin.audio, numbersTo(30).slice(22))
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(
        observed.packets
          .filter(({ missedBefore }) => missedBefore > 0)
          .map(({ missedBefore, timestamp }) => [missedBefore, timestamp]),
        [[2, 22 * 960]]
      )
      const { received } = yield* client.statistics
      const audio = received.find(({ ssrc }) => ssrc === 1001)!
      assert.strictEqual(audio.packetsMissed, 2)
      // Nothing has jittered.
      assert.isAtMost(audio.playoutDelayMs!, 100)
    }).pipe(run(33))
  )

  it.effect("that nobody else could have sealed are dropped and counted", () =>
    Effect.gen(function* () {
      const { client, lin, observed, relay } = yield* withLin()
      const { stream } = lin.audio
      const stranger = SendingStream.make(stream, new Uint8Array(32).fill(1), (size) => new Uint8Array(size))
      yield* speak(relay, stranger, numbersTo(3))
      yield* speak(relay, lin.audio, numbersTo(3))
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(
        observed.packets.map(({ payload }) => payload),
        numbersTo(3).map(payloadOf)
      )
      const { received } = yield* client.statistics
      assert.strictEqual(received.find(({ ssrc }) => ssrc === 1001)?.packetsUndecryptable, 3)
    }).pipe(run(34))
  )

  it.effect("are taken for a moment longer when their sender has left", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const { client, lin, observed, relay } = yield* withLin()
      const link = { ...LinkEmulator.perfect, latencyMs: linkMs }
      yield* speak(relay, lin.audio, numbersTo(20))
      yield* network.setLink(relayA, deviceHost, { ...link, lossRatio: 1 })
      yield* relay.sendMedia(lin.audio, audioPacket(20))
      yield* network.setLink(relayA, deviceHost, link)
      yield* relay.direct(rosterOf(2, []))
      yield* TestClock.adjust(500)
      assert.strictEqual(observed.packets.length, 21, "the last word was lost, and has come again")
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual((yield* client.statistics).received, [])
    }).pipe(run(38))
  )

  it.effect("wait for the roster that announces them, and for nobody who is never announced", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      const early = lin(1)
      const nobody = lin(2)
      for (const number of numbersTo(1200)) {
        yield* relay.sendMedia(nobody.audio, audioPacket(number))
        yield* TestClock.adjust(1)
      }
      yield* speak(relay, early.audio, numbersTo(3))
      yield* relay.direct(rosterOf(1, [early.entry]))
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(
        observed.packets.map(({ participant, payload }) => [participant, payload]),
        numbersTo(3).map((number) => [early.participant, payloadOf(number)])
      )
      assert.isAbove((yield* client.statistics).packetsUnknown, 100)
    }).pipe(run(35))
  )

  it.effect("of video ask for a key frame when they begin without one, until it comes", () =>
    Effect.gen(function* () {
      const { lin, relay } = yield* withLin()
      const asked: Array<number> = []
      const key = HopFrame.startOfFrameFlag | HopFrame.endOfFrameFlag | HopFrame.independentFlag
      const delta = HopFrame.startOfFrameFlag | HopFrame.endOfFrameFlag
      const frame = (number: number, descriptor: number) =>
        Effect.andThen(
          relay.sendMedia(lin.video, {
            payload: payloadOf(number),
            timestamp: number * 3000,
            marker: true,
            descriptor
          }),
          TestClock.adjust(33)
        )
      relay.onKeyFrameRequest = (ssrc) => asked.push(ssrc)
      for (const number of numbersTo(30)) yield* frame(number, delta)
      assert.deepStrictEqual(asked, [2001, 2001])
      yield* frame(30, key)
      for (const number of numbersTo(60).slice(31)) yield* frame(number, delta)
      assert.strictEqual(asked.length, 2)
    }).pipe(run(36))
  )

  it.effect("of video ask for a key frame on behalf of the application", () =>
    Effect.gen(function* () {
      const { client, lin, relay } = yield* withLin()
      const asked: Array<number> = []
      relay.onKeyFrameRequest = (ssrc) => asked.push(ssrc)
      // Who has been silent all the time has no key frame to give.
      yield* relay.sendMedia(lin.audio, audioPacket(0))
      yield* TestClock.adjust(linkMs)
      yield* client.requestKeyFrame(lin.video.stream.ssrc)
      yield* client.requestKeyFrame(12345)
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(asked, [2001])
    }).pipe(run(37))
  )
})

describe("packets that are sent", () => {
  it.effect("arrive encrypted, numbered, with what the relay may know", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      const [audio] = client.streams
      for (const number of numbersTo(5)) {
        yield* client.send(audio!, audioPacket(number))
        yield* TestClock.adjust(20)
      }
      yield* TestClock.adjust(linkMs)
      const first = relay.packets[0]!.sequenceNumber
      assert.deepStrictEqual(
        relay.packets.map(({ sequenceNumber }) => (sequenceNumber - first) & 0xffff),
        numbersTo(5)
      )
      const receiver = EndToEndEncryption.makeReceiver({ secret: sharedSecret, ssrc: audio!.ssrc })
      for (const [number, { descriptor, marker, payload, payloadType, ssrc, timestamp }] of relay.packets.entries()) {
        assert.deepStrictEqual(
          { descriptor, marker, payloadType, ssrc, timestamp },
          { descriptor: 0x80 | 30, marker: number === 0, payloadType: 111, ssrc: audio!.ssrc, timestamp: number * 960 }
        )
        const header = RtpHeader.encode({ ...relay.packets[number]!, payload: new Uint8Array(0) })
        const isRefused = Result.isFailure(
          EndToEndEncryption.open(receiver, payload, metadataOf(header, descriptor ^ 1))
        )
        assert.isTrue(isRefused, "a relay may not change the descriptor")
        const opened = EndToEndEncryption.open(receiver, payload, metadataOf(header, descriptor))
        assert.deepStrictEqual(Result.getOrThrow(opened), payloadOf(number))
      }
    }).pipe(run(40))
  )

  it.effect("go as they are when the application encrypts them itself", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined({ sharedSecret: undefined })
      yield* client.send(client.streams[0]!, audioPacket(3))
      yield* TestClock.adjust(linkMs)
      assert.deepStrictEqual(relay.packets[0]!.payload, payloadOf(3))
    }).pipe(run(41))
  )

  it.effect("are sent again when the relay asks, all of them at 10 % loss", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      yield* worsen({ lossRatio: 0.1 })
      const video = client.streams[1]!
      for (const number of numbersTo(100)) {
        const packet = { ...audioPacket(number), timestamp: number * 3000 }
        yield* client.sendAll(video, [packet, packet, packet])
        yield* TestClock.adjust(33)
      }
      yield* TestClock.adjust(2000)
      assert.strictEqual(relay.packets.length, 300)
      const { roundTripMs, sent, uplink } = yield* client.statistics
      assert.strictEqual(uplink.packetsSent, 300)
      // Repair packets bring back the others.
      assert.isAbove(uplink.packetsResent, 10)
      assert.isAbove(uplink.framesLost, 20)
      assert.deepStrictEqual(
        sent.map(({ packets, packetsResent }) => [packets, packetsResent]),
        [
          [0, 0],
          [300, uplink.packetsResent]
        ]
      )
      assert.approximately(roundTripMs!, 2 * linkMs, 6)
    }).pipe(run(42))
  )

  it.effect("start with a key frame when somebody needs one", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      const [audio, video] = client.streams
      yield* client.send(audio!, audioPacket(0))
      for (const stream of [audio!, video!]) relay.askForKeyFrame(stream.ssrc)
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(observed.keyFrameRequests, [video!.ssrc])
    }).pipe(run(43))
  )

  it.effect("must fit into a datagram, and belong to a stream", () =>
    Effect.gen(function* () {
      const { client } = yield* joined()
      const [audio] = client.streams
      const longest = { ...audioPacket(0), payload: new Uint8Array(CallClient.payloadBytesMax) }
      yield* client.send(audio!, longest)
      const tooLong = { ...longest, payload: new Uint8Array(CallClient.payloadBytesMax + 1) }
      assert.include(String(yield* Effect.flip(Effect.sandbox(client.send(audio!, tooLong)))), "too long")
      const unknown = { ...audio!, ssrc: 1 }
      assert.include(String(yield* Effect.flip(Effect.sandbox(client.send(unknown, longest)))), "SSRC 1")
    }).pipe(run(44))
  )
})
