import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as RateNotice from "../../src/media/RateNotice.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { deviceHost, joined, linkMs, relayA, run } from "./Scene.ts"

/** A frame of video of so many bytes, in packets of 1,000. */
const frameOf = (frame: number, bytes: number) =>
  Array.from({ length: Math.max(1, Math.round(bytes / 1000)) }, (_, part, last = Math.round(bytes / 1000) - 1) => ({
    payload: new Uint8Array(1000),
    timestamp: frame * 3000,
    marker: part === last,
    descriptor: (part === 0 ? 0x80 : 0) | (part === last ? 0x40 : 0)
  }))

/** What the relay says of receivers after so long; once. */
interface Receivers {
  readonly fromMs: number
  readonly bps: number
}

/** Sends 30 frames a second for so long, each as large as what was told last allows. */
const encode = Effect.fnUntraced(function* (forMs: number, receivers?: Receivers) {
  const { client, relay } = yield* joined({ sharedSecret: undefined })
  const told: Array<number> = []
  const notices = [client.streams[1]!.ssrc, client.streams[0]!.ssrc, 7].map(RateNotice.make)
  relay.hop!.rateNotices = notices
  yield* client.videoRate.pipe(
    Stream.runForEach((bps) => Effect.sync(() => told.push(bps))),
    Effect.forkScoped({ startImmediately: true })
  )
  for (let frame = 0; frame * 33 < forMs; frame++) {
    const bps = told.at(-1) ?? 300_000
    if (receivers !== undefined && frame === Math.ceil(receivers.fromMs / 33)) {
      const nowMs = yield* Clock.currentTimeMillis
      // Of its own video alone: what is said of audio, and of a stream that it does not have, counts nothing.
      notices.forEach((notice, i) => RateNotice.handleRate(notice, i === 0 ? receivers.bps : 0, nowMs))
    }
    const sending = yield* Effect.forkChild(client.sendAll(client.streams[1]!, frameOf(frame, bps / 8 / 30)))
    yield* TestClock.adjust(33)
    yield* Fiber.join(sending)
  }
  return told
})

describe("what an application is told to encode at", () => {
  it.effect("is nothing before there is video, and rises where the path holds more", () =>
    Effect.gen(function* () {
      const told = yield* encode(6000)
      assert.isAtLeast(told.length, 3)
      assert.isAtLeast(told.at(-1)!, 1_000_000)
    }).pipe(run(1))
  )

  it.effect("is no more than receivers can take, and more again when nothing is said of them any more", () =>
    Effect.gen(function* () {
      const told = yield* encode(7000, { fromMs: 2500, bps: 400_000 })
      const lowest = told.indexOf(Math.min(...told.slice(1)))
      assert.closeTo(told[lowest]!, 400_000 * (1000 / 1052), 4000)
      assert.isAtLeast(told[lowest - 1]!, 1_000_000)
      assert.isAtLeast(told[lowest + 1]!, 1_000_000)
    }).pipe(run(3))
  )

  it.effect("stays below what the path to the relay holds", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const bottleneck = { ...LinkEmulator.perfect, latencyMs: linkMs, rateBps: 800_000, queueBytes: 60_000 }
      yield* network.setLink(deviceHost, relayA, bottleneck)
      const told = yield* encode(12_000)
      assert.isAtMost(told.at(-1)!, 900_000)
      assert.isAtLeast(told.at(-1)!, 400_000)
    }).pipe(run(2))
  )
})
