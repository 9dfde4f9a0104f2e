import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as CallClient from "../../src/client/CallClient.ts"
import { SecureBytes } from "../../src/client/SecureBytes.ts"
import { RelayCore } from "../../src/pipeline/RelayCore.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { toBits } from "../../src/protocol/QualityExtra.ts"
import type { StreamAllocation } from "../../src/protocol/VideoAttribute.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as RelayInView from "../fuzz/operations/RelayInView.ts"
import { dice } from "../media/LegPair.ts"
import * as Fleet from "./FleetScene.ts"
import * as Raw from "./RawDevice.ts"

const keyFrame = HopFrame.startOfFrameFlag | HopFrame.endOfFrameFlag | HopFrame.independentFlag

const withRelay = <A, E, R>(seed: number, test: Effect.Effect<A, E, R>) => {
  const draw = dice(seed)
  const secureBytes = (size: number) => Uint8Array.from({ length: size }, () => Math.floor(draw() * 256))
  return Effect.andThen(TestClock.adjust("1 second"), test).pipe(
    Effect.provide(
      RelayInView.layer(seed, { sent: () => {}, isShut: false }).pipe(
        Layer.provide(CallStore.layerMemory),
        Layer.provideMerge(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 }))
      )
    ),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent,
    Effect.provideService(SecureBytes, secureBytes),
    Random.withSeed(seed)
  )
}

/** A participant, what it has received of each kind, and what it was told of its video. */
const member = Effect.fnUntraced(function* (n: number) {
  const client = yield* CallClient.join({
    relays: [RelayInView.address],
    token: yield* Raw.mint(`p${n}`),
    streams: [Fleet.audioOffer, Fleet.videoOffer],
    sharedSecret: undefined,
    host: `10.0.1.${n}`
  })
  const received = { audio: 0, video: 0 }
  const told: Array<ReadonlyArray<StreamAllocation>> = []
  yield* client.packets.pipe(
    Stream.runForEach(({ kind }) => Effect.sync(() => void received[kind]++)),
    Effect.forkScoped
  )
  yield* client.videoDirectives.pipe(
    Stream.runForEach((streams) => Effect.sync(() => void told.push(streams))),
    Effect.forkScoped
  )
  const [audio, video] = client.streams
  /** A packet of each, 25 times a second. */
  const send = Effect.fnUntraced(function* (seconds: number) {
    for (let tick = 0; tick < 25 * seconds; tick++) {
      const payload = Uint8Array.of(tick)
      yield* client.send(audio!, { payload, timestamp: tick * 1920, marker: false, descriptor: 20 })
      yield* client.send(video!, { payload, timestamp: tick * 3600, marker: true, descriptor: keyFrame })
      yield* Effect.sleep("40 millis")
    }
  })
  return { received, told, send, off: [{ ssrc: video!.ssrc, rateBps: 0 }] }
})

describe("video that a busy relay withholds from a group", () => {
  it.effect("is stopped at its senders within a second, and comes back when the relay is at ease", () =>
    withRelay(
      1,
      Effect.gen(function* () {
        const { relief } = yield* RelayCore
        const [sender, receiver] = yield* Effect.all([member(1), member(2), member(3)])
        yield* sender.send(3)
        assert.isAbove(receiver.received.video, 60)
        assert.deepStrictEqual(sender.told, [])

        relief.withheld = toBits(["fec", "duplication", "high-layer", "group-video"])
        yield* sender.send(1)
        assert.deepStrictEqual(sender.told, [sender.off])
        const { audio, video } = receiver.received
        yield* sender.send(2)
        assert.strictEqual(receiver.received.video, video)
        assert.isAtLeast(receiver.received.audio, audio + 48)

        relief.withheld = toBits(["fec"])
        yield* sender.send(2)
        assert.deepStrictEqual(sender.told.at(-1), [])
        assert.isAtLeast(receiver.received.video, video + 40)
      })
    )
  )

  it.effect("comes back also to a call that has rested since, of two, whose actor has gone", () =>
    withRelay(
      2,
      Effect.gen(function* () {
        const { relief } = yield* RelayCore
        const [sender] = yield* Effect.all([member(1), member(2)])
        relief.withheld = toBits(["group-video"])
        yield* sender.send(3)
        assert.deepStrictEqual(sender.told, [sender.off])
        yield* Effect.sleep("1 minute")
        assert.deepStrictEqual(sender.told, [sender.off])
        relief.withheld = 0
        yield* Effect.sleep("4 seconds")
        assert.deepStrictEqual(sender.told, [sender.off, []])
      })
    )
  )
})
