import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { StreamAllocation } from "../../src/protocol/VideoAttribute.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as Fleet from "./FleetScene.ts"

const keyFrame = HopFrame.startOfFrameFlag | HopFrame.endOfFrameFlag | HopFrame.independentFlag
const delta = HopFrame.startOfFrameFlag | HopFrame.endOfFrameFlag

/** 25 frames of one packet a second, with a key frame at first and whenever one is asked for. */
const film = Effect.fnUntraced(function* ({ client }: Fleet.Member, seconds: number) {
  const video = client.streams[1]!
  let isAsked = true
  yield* client.keyFrameRequests.pipe(
    Stream.runForEach(() => Effect.sync(() => void (isAsked = true))),
    Effect.forkScoped
  )
  for (let frame = 0; frame < seconds * 25; frame++) {
    const descriptor = isAsked ? keyFrame : delta
    isAsked = false
    yield* client.send(video, { payload: Uint8Array.of(frame), timestamp: frame * 3600, marker: true, descriptor })
    yield* Effect.sleep("40 millis")
  }
})

const toldOf = Effect.fnUntraced(function* ({ client }: Fleet.Member) {
  const told: Array<ReadonlyArray<StreamAllocation>> = []
  yield* client.videoDirectives.pipe(
    Stream.runForEach((streams) => Effect.sync(() => void told.push(streams))),
    Effect.forkScoped
  )
  return told
})

const videoOf = ({ received }: Fleet.Member, from: Fleet.Member) =>
  received.filter(({ kind, participant }) => kind === "video" && participant === `p${from.n}`)

describe("video of a group on several relays", () => {
  it.effect("goes to those who want it, is switched off at its sender when nobody does, and comes back at once", () =>
    Fleet.scene(
      1,
      Effect.gen(function* () {
        for (const relay of ["a", "b"] as const) yield* Fleet.startRelay(relay)
        const members = yield* Effect.forEach(["a", "a", "b"] as const, (relay, n) => Fleet.member(n, [relay]))
        const [sender, near, far] = members as [Fleet.Member, Fleet.Member, Fleet.Member]
        const told = yield* toldOf(sender)
        yield* Effect.sleep("1 second")
        yield* Effect.forkScoped(film(sender, 30))
        yield* Effect.sleep("3 seconds")
        assert.isAbove(videoOf(near, sender).length, 60)
        assert.isAbove(videoOf(far, sender).length, 60)
        assert.deepStrictEqual(told, [], "everybody wants everything, so there is nothing to say")

        yield* near.client.subscribe([])
        yield* Effect.sleep("1 second")
        const nearBefore = videoOf(near, sender).length
        const farBefore = videoOf(far, sender).length
        yield* Effect.sleep("2 seconds")
        assert.strictEqual(videoOf(near, sender).length, nearBefore)
        assert.isAbove(videoOf(far, sender).length, farBefore + 40)

        yield* far.client.subscribe([])
        yield* Effect.sleep("1 second")
        const [, video] = sender.client.streams
        assert.deepStrictEqual(told.at(-1), [{ ssrc: video!.ssrc, rateBps: 0 }])
        const off = yield* sender.client.statistics
        yield* Effect.sleep("2 seconds")
        const stillOff = yield* sender.client.statistics
        assert.isAbove(stillOff.dropped.unwanted, off.dropped.unwanted + 40)

        const askedAtMs = yield* Effect.clockWith((clock) =>
          Effect.succeed(Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
        )
        yield* far.client.subscribe([{ ssrc: video!.ssrc, place: "on-stage", heightPx: 720 }])
        yield* Effect.sleep("1 second")
        const first = videoOf(far, sender).find(({ arrivedAtMs }) => arrivedAtMs > askedAtMs)
        assert.strictEqual(first!.descriptor, keyFrame)
        // A round trip to the relay, from there to the other relay and its device, and back with the next frame.
        const roundTripMs = 2 * 3 * Fleet.latencyMs
        assert.isBelow(first!.arrivedAtMs - askedAtMs, roundTripMs + 2 * 40)
        assert.strictEqual(videoOf(near, sender).length, nearBefore)
        assert.deepStrictEqual(told.at(-1), [])
      })
    )
  )
})
