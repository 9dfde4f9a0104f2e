import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { PlanFeed } from "../../src/actor/PlanFeed.ts"
import type { ForwardingPlan } from "../../src/call/ForwardingPlan.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import { dice } from "../media/LegPair.ts"
import * as Fleet from "./FleetScene.ts"

const { startOfFrameFlag: start, endOfFrameFlag: end, independentFlag: key } = HopFrame

/** About 0.1, 0.24 and 0.6 Mbit/s at 25 frames a second. */
const layers = [
  { packets: 1, bytes: 450, maxKbps: 150, heightPixels: 180 },
  { packets: 1, bytes: 1100, maxKbps: 300, heightPixels: 360 },
  { packets: 3, bytes: 950, maxKbps: 700, heightPixels: 720 }
] as const
const offers = [
  Fleet.audioOffer,
  ...layers.map(({ heightPixels, maxKbps }, layer) => ({
    ...Fleet.videoOffer,
    simulcast: { source: 0, layer, heightPixels, maxKbps }
  }))
]

const join = (n: number, relay: Fleet.RelayName) => Fleet.member(n, [relay], "call", n, offers)

/** All layers, each with a key frame when somebody asks for one. The first byte is the layer, the others are noise. */
const film = Effect.fnUntraced(function* ({ client }: Fleet.Member, seconds: number, noise: () => number = () => 0) {
  const videos = client.streams.slice(1)
  const asked = new Set(videos.map(({ ssrc }) => ssrc))
  const askedCount = { count: 0 }
  yield* client.keyFrameRequests.pipe(
    Stream.runForEach((ssrc) =>
      Effect.sync(() => {
        asked.add(ssrc)
        askedCount.count++
      })
    ),
    Effect.forkScoped({ startImmediately: true })
  )
  yield* Effect.forkScoped(
    Effect.gen(function* () {
      for (let frame = 0; frame < seconds * 25; frame++) {
        for (const [layer, video] of videos.entries()) {
          const { bytes, packets } = layers[layer]!
          const flags = asked.delete(video.ssrc) ? key : 0
          yield* client.sendAll(
            video,
            Array.from({ length: packets }, (_, part) => ({
              payload: new Uint8Array(bytes).fill(noise() * 256, 1).fill(layer, 0, 1),
              timestamp: frame * 3600,
              marker: part === packets - 1,
              descriptor: flags | (part === 0 ? start : 0) | (part === packets - 1 ? end : 0)
            }))
          )
        }
        yield* Effect.sleep("40 millis")
      }
    })
  )
  return askedCount
})

const videoOf = ({ received }: Fleet.Member, from: Fleet.Member) =>
  received.filter(({ kind, participant }) => kind === "video" && participant === `p${from.n}`)

/** Which layers one was shown of another in the last seconds. */
const layersOf = (receiver: Fleet.Member, from: Fleet.Member, since: number) =>
  [
    ...new Set(
      videoOf(receiver, from)
        .slice(since)
        .map(({ payload }) => payload[0]!)
    )
  ].sort()

/** Each frame is whole and later than the one before, and what shows another layer begins with a key frame. */
const assertDecodable = (receiver: Fleet.Member, from: Fleet.Member) => {
  const all = videoOf(receiver, from)
  for (const [index, packet] of all.entries()) {
    const before = all[index - 1]
    if (before === undefined) continue
    const isStart = (packet.descriptor & start) !== 0
    assert.strictEqual(isStart, (before.descriptor & end) !== 0)
    if (isStart) assert.isAbove((packet.timestamp - before.timestamp) | 0, 0)
    if (packet.payload[0] !== before.payload[0]) assert.isTrue(HopFrame.startsKeyFrame(packet.descriptor))
  }
}

const narrow = (n: number, relay: Fleet.RelayName, rateBps: number) =>
  Fleet.setLinks(Fleet.relayHost(relay), [Fleet.deviceHost(n)], { rateBps, queueBytes: 20_000 })

const planFeed = Effect.gen(function* () {
  const plans: Array<ForwardingPlan> = []
  const watched = (yield* PlanFeed).watch(RelayId.make("a"))
  yield* Effect.forkScoped(Stream.runForEach(watched, ({ plan }) => Effect.sync(() => void plans.push(plan))))
  return plans
})

describe("layers of video of a group on several relays", () => {
  it.effect("each gets what his path carries and his screen shows, and nothing is sent that nobody gets", () =>
    Fleet.scene(
      1,
      Effect.gen(function* () {
        for (const relay of ["a", "b"] as const) yield* Fleet.startRelay(relay)
        const sender = yield* join(0, "a")
        const near = yield* join(1, "a")
        const far = yield* join(2, "b")
        const told: Array<ReadonlyArray<number>> = []
        yield* sender.client.videoDirectives.pipe(
          Stream.runForEach((streams) => Effect.sync(() => void told.push(streams.map(({ rateBps }) => rateBps)))),
          Effect.forkScoped
        )
        const asked = yield* film(sender, 28)
        yield* Effect.sleep("6 seconds")
        const all = () => [videoOf(near, sender).length, videoOf(far, sender).length] as const
        let [nearFrom, farFrom] = all()
        yield* Effect.sleep("2 seconds")
        assert.deepStrictEqual([layersOf(near, sender, nearFrom), layersOf(far, sender, farFrom)], [[2], [2]])
        assert.deepStrictEqual(told.at(-1)!.slice(0, 2), [0, 0], "all get the same, so one layer is enough")

        yield* narrow(2, "b", 450_000)
        yield* Effect.sleep("10 seconds")
        ;[nearFrom, farFrom] = all()
        yield* Effect.sleep("2 seconds")
        assert.deepStrictEqual(layersOf(near, sender, nearFrom), [2])
        const narrowed = layersOf(far, sender, farFrom)
        assert.isTrue(narrowed.length > 0 && narrowed.every((layer) => layer < 2))
        assert.isAbove(told.at(-1)!.filter((rateBps) => rateBps > 0).length, 1)

        const [low] = sender.client.streams.slice(1)
        yield* near.client.subscribe([{ ssrc: low!.ssrc, place: "grid", heightPx: 180 }])
        yield* Effect.sleep("3 seconds")
        ;[nearFrom] = all()
        yield* Effect.sleep("2 seconds")
        // Which of the smaller ones: that of the others, if one for him alone would cost the sender as much as it spares him.
        const small = layersOf(near, sender, nearFrom)
        assert.isTrue(small.length === 1 && small[0]! < 2)
        assert.strictEqual(told.at(-1)![2], 0, "nobody gets the largest")

        for (const receiver of [near, far]) assertDecodable(receiver, sender)
        // Whatever happens, no more than one for each stream and half a second; and here, few.
        assert.isAtMost(asked.count, 25)
      })
    )
  )

  it.effect("an actor that is away for two seconds leaves everything as it is", () =>
    Fleet.scene(
      2,
      Effect.gen(function* () {
        for (const relay of ["a", "b"] as const) yield* Fleet.startRelay(relay)
        const sender = yield* join(0, "a")
        const near = yield* join(1, "a")
        const far = yield* join(2, "b")
        yield* narrow(2, "b", 450_000)
        yield* film(sender, 12)
        yield* Effect.forkScoped(Fleet.speak(sender, 12))
        yield* Effect.sleep("7 seconds")
        const plans = yield* planFeed
        yield* Fleet.sendActorsAway(true)
        yield* Effect.sleep("300 millis")
        plans.length = 0
        const [nearFrom, farFrom] = [near, far].map((receiver) => videoOf(receiver, sender).length)
        const heardFrom = Fleet.heard(far, sender).length
        yield* Effect.sleep("2 seconds")
        assert.strictEqual(plans.length, 0)
        assert.deepStrictEqual(layersOf(near, sender, nearFrom!), [2])
        assert.strictEqual(layersOf(far, sender, farFrom!).length, 1)
        assert.isAtLeast(videoOf(near, sender).length - nearFrom!, 49 * layers[2].packets)
        assert.isAtLeast(Fleet.heard(far, sender).length - heardFrom, 98)
        yield* Fleet.sendActorsAway(false)
        yield* near.client.subscribe([])
        yield* Effect.sleep("1 second")
        const nearNow = videoOf(near, sender).length
        yield* Effect.sleep("1 second")
        assert.strictEqual(videoOf(near, sender).length, nearNow, "it decides again")
      })
    )
  )

  it.effect("nothing that is decided depends on any payload", () => {
    const decided = (salt: number) =>
      Fleet.scene(
        3,
        Effect.gen(function* () {
          for (const relay of ["a", "b"] as const) yield* Fleet.startRelay(relay)
          const sender = yield* join(0, "a")
          const near = yield* join(1, "a")
          const far = yield* join(2, "b")
          const plans = yield* planFeed
          yield* narrow(2, "b", 450_000)
          yield* film(sender, 7, dice(salt))
          yield* Effect.sleep("7 seconds")
          return {
            plans: plans.map(({ participants, rows, version }) => ({ participants, rows, version })),
            shown: [near, far].map((receiver) =>
              videoOf(receiver, sender).map(({ arrivedAtMs, payload, timestamp }) => [
                arrivedAtMs,
                payload[0],
                timestamp
              ])
            )
          }
        })
      )
    return Effect.gen(function* () {
      const first = yield* decided(1)
      assert.isAbove(first.plans.filter(({ rows }) => rows.some(({ rateBps }) => rateBps !== undefined)).length, 1)
      assert.deepStrictEqual(yield* decided(2), first)
    })
  })
})
