import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as RtpClient from "../../src/client/RtpClient.ts"
import type { StreamAllocation } from "../../src/protocol/VideoAttribute.ts"
import * as FakeFleet from "./FakeFleet.ts"
import * as FakeRelay from "./FakeRelay.ts"
import * as RtpPackets from "./RtpPackets.ts"
import { during, joined, linkMs, optionsOf, relayA, run } from "./Scene.ts"

const settle = TestClock.adjust(3 * linkMs)

const videoOf = (version: number, streams: ReadonlyArray<StreamAllocation>, counter = version) =>
  ({ _tag: "VideoDirective", counter, allocation: { version, streams } }) as const

/** A client with its relay, what it is told of its video, and a way to send some. */
const scene = Effect.gen(function* () {
  const { client, observed, relay } = yield* joined()
  const [audio, video] = client.streams
  const told: Array<ReadonlyArray<StreamAllocation>> = []
  yield* client.videoDirectives.pipe(
    Stream.runForEach((streams) => Effect.sync(() => told.push(streams))),
    Effect.forkScoped({ startImmediately: true })
  )
  let timestamp = 0
  const frame = (stream: typeof audio) =>
    client.send(stream!, {
      payload: new Uint8Array(10),
      timestamp: (timestamp += 3000),
      marker: true,
      descriptor: 0xc0
    })
  const packetsOf = ({ packets }: FakeRelay.FakeRelay, ssrc: number) =>
    packets.filter((packet) => packet.ssrc === ssrc).length
  return { client, observed, relay, audio: audio!, video: video!, told, frame, packetsOf }
})

describe("which video is wanted", () => {
  it.effect("is everything as long as nothing was said", () =>
    Effect.gen(function* () {
      const { client, frame, packetsOf, relay, told, video } = yield* scene
      yield* frame(video)
      yield* settle
      assert.strictEqual(packetsOf(relay, video.ssrc), 1)
      assert.deepStrictEqual(told, [])
      assert.strictEqual((yield* client.statistics).dropped.unwanted, 0)
    }).pipe(run(420))
  )

  it.effect("is told to the application; of a stream that is off nothing is sent, and it is counted", () =>
    Effect.gen(function* () {
      const { audio, client, frame, observed, packetsOf, relay, told, video } = yield* scene
      const off = [{ ssrc: video.ssrc, rateBps: 0 }]
      // Neither somebody else's stream nor audio is concerned.
      yield* relay.direct(videoOf(1, [...off, { ssrc: 12345, rateBps: 0 }, { ssrc: audio.ssrc, rateBps: 0 }]))
      yield* settle
      assert.deepStrictEqual(told, [off])
      assert.deepStrictEqual(relay.acknowledged, [1])
      for (const stream of [video, audio, video]) yield* frame(stream)
      yield* settle
      assert.deepStrictEqual([packetsOf(relay, video.ssrc), packetsOf(relay, audio.ssrc)], [0, 1])
      assert.strictEqual((yield* client.statistics).dropped.unwanted, 2)
      assert.deepStrictEqual(observed.keyFrameRequests, [])

      const on = [{ ssrc: video.ssrc, rateBps: 300_000 }]
      yield* relay.direct(videoOf(2, on))
      yield* settle
      assert.deepStrictEqual(told, [off, on])
      assert.deepStrictEqual(observed.keyFrameRequests, [video.ssrc], "it begins anew")
      yield* frame(video)
      yield* settle
      assert.strictEqual(packetsOf(relay, video.ssrc), 1)
      assert.strictEqual((yield* client.statistics).dropped.unwanted, 2)
    }).pipe(run(421))
  )

  it.effect("is what the highest version says, whatever comes late or again", () =>
    Effect.gen(function* () {
      const { client, packetsOf, relay, frame, told, video } = yield* scene
      const rate = (rateBps: number) => [{ ssrc: video.ssrc, rateBps }]
      yield* relay.direct(videoOf(5, rate(500_000)))
      yield* relay.direct(videoOf(4, rate(0), 6))
      yield* relay.direct(videoOf(5, rate(0), 7))
      yield* settle
      assert.deepStrictEqual(told, [rate(500_000)])
      assert.deepStrictEqual(relay.acknowledged, [5, 6, 7])
      yield* relay.direct(videoOf(6, rate(0), 8))
      yield* settle
      yield* frame(video)
      yield* settle
      assert.strictEqual(packetsOf(relay, video.ssrc), 0)
      // One that does not name a stream lets it go on.
      yield* relay.direct(videoOf(0xffffffff, [], 9))
      yield* settle
      yield* frame(video)
      yield* settle
      assert.strictEqual(packetsOf(relay, video.ssrc), 1)
      assert.deepStrictEqual(told, [rate(500_000), rate(0), []])
      const late = yield* client.videoDirectives.pipe(Stream.take(1), Stream.runCollect)
      assert.deepStrictEqual(late, [[]], "who listens late hears the last")
    }).pipe(run(422))
  )

  it.effect("counts for whole packets as well", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      const client = yield* during(5 * linkMs, RtpClient.join(optionsOf([relayA])))
      const { payloadType, ssrc } = client.streams[1]!
      yield* relay.direct(videoOf(1, [{ ssrc, rateBps: 0 }]))
      yield* settle
      const packet = (sequenceNumber: number) => ({
        bytes: RtpPackets.packetOf({ ssrc, payloadType, sequenceNumber, timestamp: 0, payload: new Uint8Array(10) })
      })
      yield* client.send([packet(1), packet(2)])
      yield* settle
      assert.deepStrictEqual(relay.packets, [])
      assert.deepInclude((yield* client.statistics).dropped, { unwanted: 2, undeclaredStream: 0 })
      yield* relay.direct(videoOf(2, [{ ssrc, rateBps: 100_000 }]))
      yield* settle
      yield* client.send([packet(3)])
      yield* settle
      assert.deepStrictEqual(
        relay.packets.map(({ sequenceNumber }) => sequenceNumber),
        [3]
      )
    }).pipe(run(425))
  )

  it.effect("holds for a while at another relay, whose first word counts whatever its version", () =>
    Effect.gen(function* () {
      const fleet = yield* FakeFleet.joined()
      const { client, first, observed, second } = fleet
      const { ssrc } = client.streams[1]!
      const told: Array<ReadonlyArray<StreamAllocation>> = []
      yield* client.videoDirectives.pipe(
        Stream.runForEach((streams) => Effect.sync(() => told.push(streams))),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* FakeFleet.speak(fleet)
      yield* first.direct(videoOf(9, [{ ssrc, rateBps: 0 }], 10))
      yield* TestClock.adjust("2 seconds")
      first.behaviour.isDead = true
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(observed.connection.at(-1)!._tag, "Resumed")
      assert.deepStrictEqual(told, [[{ ssrc, rateBps: 0 }]])
      yield* second.direct(videoOf(1, [{ ssrc, rateBps: 0 }]))
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(told, [[{ ssrc, rateBps: 0 }], [{ ssrc, rateBps: 0 }]])
      assert.deepStrictEqual(observed.keyFrameRequests, [])
    }).pipe(run(423))
  )

  it.effect("is everything again when another relay says nothing for five seconds", () =>
    Effect.gen(function* () {
      const fleet = yield* FakeFleet.joined()
      const { client, first, observed } = fleet
      const { ssrc } = client.streams[1]!
      const told: Array<ReadonlyArray<StreamAllocation>> = []
      yield* client.videoDirectives.pipe(
        Stream.runForEach((streams) => Effect.sync(() => told.push(streams))),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* FakeFleet.speak(fleet)
      yield* first.direct(videoOf(9, [{ ssrc, rateBps: 0 }], 10))
      yield* TestClock.adjust("2 seconds")
      first.behaviour.isDead = true
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(told.length, 1)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(told, [[{ ssrc, rateBps: 0 }], []])
      assert.deepStrictEqual(observed.keyFrameRequests, [ssrc])
    }).pipe(run(424))
  )
})
