import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as RateLadder from "../../src/call/allocation/RateLadder.ts"
import type * as CallCommand from "../../src/call/CallCommand.ts"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../src/call/CallState.ts"
import { planOf } from "../../src/call/ForwardingPlan.ts"
import type * as Relief from "../../src/call/Relief.ts"
import type { Subscription } from "../../src/call/Subscription.ts"
import * as VideoDecision from "../../src/call/VideoDecision.ts"
import type { QualityExtra } from "../../src/protocol/QualityExtra.ts"
import { type ParticipantId, RelayId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import { dice } from "../media/LegPair.ts"
import { join, participantId, place, stream } from "./Commands.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))
const ladder = [150, 600, 2500]
const ssrcOf = (n: number, layer: number) => 10_000 + 10 * n + layer

const layers = (n: number) =>
  ladder.map(
    (maxKbps, layer) =>
      new StreamDescription({
        ssrc: ssrcOf(n, layer),
        kind: "video",
        clockRate: 90_000,
        codec: "vp8",
        simulcast: { source: 0, layer, heightPixels: 180 << layer, maxKbps }
      })
  )
const plain = (n: number) => [
  new StreamDescription({ ssrc: ssrcOf(n, 0), kind: "video", clockRate: 90_000, codec: "vp8" })
]

const callOf = (
  streamsOf: ReadonlyArray<(n: number) => ReadonlyArray<StreamDescription>>,
  changeOf: (n: number) => Partial<CallCommand.Join> = () => ({})
): CallState =>
  streamsOf.reduce((state, of, n) => {
    const command = join(n, { streams: [stream(3000 + n), ...of(n)], ...changeOf(n) })
    return Result.getOrThrow(CallDecision.join(state, command, 1)).state
  }, empty)
const layeredCall = (size: number, changeOf?: (n: number) => Partial<CallCommand.Join>) =>
  callOf(
    Array.from({ length: size }, () => layers),
    changeOf
  )

const tagOf = (state: CallState, n: number) => state.participants[n]!.legTag
const ratesOf = (state: CallState, bps: (n: number) => number | undefined) =>
  new Map(
    state.participants.flatMap(({ legTag }, n) => {
      const rateBps = bps(n)
      return rateBps === undefined ? [] : [[legTag, rateBps] as const]
    })
  )
const unlimited: ReadonlyMap<number, number> = new Map()

const decide = (
  state: CallState,
  capacities: Partial<VideoDecision.Capacities> = {},
  subscriptions: ReadonlyMap<number, Subscription> = new Map(),
  before?: VideoDecision.VideoDecision,
  withheld: Relief.Withheld = new Map()
) =>
  VideoDecision.of(
    state.participants,
    subscriptions,
    { uplinksBps: unlimited, downlinksBps: unlimited, ...capacities },
    withheld,
    before
  )!

/** What one participant gets of each of the others, in bits a second: the highest layer that he may have. */
const givenBps = ({ ratesBps, viewers }: VideoDecision.VideoDecision, size: number, receiver: number): Array<number> =>
  Array.from({ length: size }, (_, sender) => {
    const layer = ladder.findLastIndex((_, layer) => viewers.get(ssrcOf(sender, layer))?.has(participantId(receiver)))
    return layer < 0 ? 0 : ratesBps.get(ssrcOf(sender, layer))!
  })
const sum = (rates: ReadonlyArray<number>) => rates.reduce((total, bps) => total + bps, 0)
const sentBps = ({ ratesBps }: VideoDecision.VideoDecision, n: number) =>
  ladder.map((_, layer) => ratesBps.get(ssrcOf(n, layer))!)

/** Participants from this number on are at relay b. */
const atB = (from: number) => (n: number) => ({ relay: place(n < from ? "relay-a" : "relay-b") })
const withheldAtB = (...extras: ReadonlyArray<QualityExtra>): Relief.Withheld =>
  new Map([[RelayId.make("relay-b"), new Set(extras)]])

describe("VideoDecision", () => {
  it("where everybody wants everything and nobody sends layers, nothing has to be decided", () => {
    const state = callOf([plain, plain, plain])
    assert.isUndefined(decide(state))
  })

  it("a stream without layers goes to whoever wants it, whatever their downlinks, and is given no rate", () => {
    const state = callOf([plain, plain, plain])
    const subscriptions = new Map([[tagOf(state, 1), { version: 1, wanted: [] }]])
    const decision = decide(state, { downlinksBps: ratesOf(state, () => 10_000) }, subscriptions)
    assert.deepStrictEqual([...decision.viewers.get(ssrcOf(0, 0))!], [participantId(2)])
    assert.deepStrictEqual([...decision.viewers.get(ssrcOf(1, 0))!], [participantId(0), participantId(2)])
    assert.strictEqual(decision.ratesBps.size, 0)
  })

  it("before a path is known its device begins with the smallest pictures, and nothing larger is sent", () => {
    const decision = decide(layeredCall(3))
    assert.deepStrictEqual(givenBps(decision, 3, 1), [150_000, 0, 150_000])
    assert.deepStrictEqual(sentBps(decision, 0), [150_000, 0, 0])
    // They would get more: so what paths carry is found out.
    assert.strictEqual(decision.wantMore.size, 3)
  })

  it("layers differ where receivers do, are merged where they do not, and nobody wants more who has it all", () => {
    const state = layeredCall(3)
    const same = decide(state, { downlinksBps: ratesOf(state, () => 20e6) })
    assert.deepStrictEqual(sentBps(same, 0), [0, 0, 2_500_000])
    assert.strictEqual(same.wantMore.size, 0)
    const differing = decide(state, { downlinksBps: ratesOf(state, (n) => (n === 2 ? 600_000 : 20e6)) })
    assert.strictEqual(sentBps(differing, 0).filter((bps) => bps > 0).length, 2)
    assert.deepStrictEqual([...differing.wantMore], [participantId(2)])
  })

  it("who shows a picture small or not at all is sent no more of it, and the stage comes first", () => {
    const state = layeredCall(4)
    const wanted = [
      { ssrc: ssrcOf(0, 0), place: "on-stage", heightPx: 720 },
      { ssrc: ssrcOf(1, 2), place: "grid", heightPx: 180 }
    ] as const
    const subscriptions = new Map([[tagOf(state, 3), { version: 1, wanted }]])
    const roomy = decide(state, { downlinksBps: ratesOf(state, () => 20e6) }, subscriptions)
    assert.deepStrictEqual(givenBps(roomy, 4, 3), [2_500_000, 150_000, 0, 0])
    const tight = decide(state, { downlinksBps: ratesOf(state, () => 900_000) }, subscriptions)
    const [stage, grid] = givenBps(tight, 4, 3)
    assert.isAbove(stage!, grid!)
  })

  it("however little a path carries, its relay may try the smallest picture of what is wanted most", () => {
    const state = layeredCall(4)
    const decision = decide(state, { downlinksBps: ratesOf(state, (n) => (n === 3 ? 30_000 : 20e6)) })
    const given = givenBps(decision, 4, 3)
    assert.deepStrictEqual(
      given.filter((bps) => bps > 0),
      [100_000]
    )
  })

  it("what does not fit a sender's uplink is not asked of him", () => {
    const state = layeredCall(3)
    const downlinksBps = ratesOf(state, () => 20e6)
    const uplinksBps = new Map([[tagOf(state, 0), 700_000]])
    const decision = decide(state, { uplinksBps, downlinksBps })
    assert.isAtMost(sum(sentBps(decision, 0)), 700_000)
    assert.strictEqual(sum(sentBps(decision, 1)), 2_500_000)
  })

  it("of 20 people with 3 poor networks, the 17 good ones get what they get without those", () => {
    const size = 20
    const state = layeredCall(size)
    const good = 30e6
    const alone = decide(state, { downlinksBps: ratesOf(state, () => good) })
    const mixed = decide(state, { downlinksBps: ratesOf(state, (n) => (n < 17 ? good : 800_000)) })
    const goodShare = (decision: VideoDecision.VideoDecision) =>
      sum(Array.from({ length: 17 }, (_, n) => sum(givenBps(decision, size, n))))
    assert.isAtLeast(goodShare(mixed), 0.95 * goodShare(alone))
    for (let n = 17; n < size; n++) assert.isAtMost(sum(givenBps(mixed, size, n)), 800_000)
  })

  it("of 50 people who see nine each, everybody gets at most a quarter of everything", () => {
    const size = 50
    const state = layeredCall(size)
    const subscriptions = new Map(
      state.participants.map(({ legTag }, n) => {
        const wanted = Array.from({ length: 9 }, (_, k) => ({
          ssrc: ssrcOf((n + 1 + k) % size, 0),
          place: "grid" as const,
          heightPx: 180
        }))
        return [legTag, { version: 1, wanted }]
      })
    )
    const downlinksBps = ratesOf(state, (n) => (n % 5 === 0 ? 1e6 : 10e6))
    const decision = decide(state, { downlinksBps }, subscriptions)
    const everythingBps = 49 * 150_000
    for (let n = 0; n < size; n++) {
      const given = givenBps(decision, size, n)
      assert.isAtMost(sum(given), everythingBps / 4)
      assert.isAtMost(given.filter((bps) => bps > 0).length, 9)
    }
  })

  it("at a relay that withholds group video nobody sends or receives any, and then everybody all of it again", () => {
    const state = callOf([plain, plain, plain], atB(2))
    const during = decide(state, {}, new Map(), undefined, withheldAtB("group-video"))
    assert.deepStrictEqual(
      [0, 1, 2].map((n) => during.viewers.get(ssrcOf(n, 0))),
      [new Set([participantId(1)]), new Set([participantId(0)]), new Set<ParticipantId>()]
    )
    // Nobody gets his, so he is told to stop; that has no rate that could stay behind.
    assert.strictEqual(during.ratesBps.size, 0)
    assert.isUndefined(decide(state, {}, new Map(), during))
  })

  it("the same with layers, of which none is sent; nobody is thought to want more, and all comes back", () => {
    const state = layeredCall(4, atB(3))
    const capacities = { downlinksBps: ratesOf(state, () => 20e6) }
    const before = decide(state, capacities)
    const during = decide(state, capacities, new Map(), before, withheldAtB("group-video"))
    assert.deepStrictEqual(sentBps(during, 3), [0, 0, 0])
    assert.deepStrictEqual(givenBps(during, 4, 3), [0, 0, 0, 0])
    assert.deepStrictEqual(givenBps(during, 4, 0), [0, 2_500_000, 2_500_000, 0])
    assert.strictEqual(during.wantMore.size, 0)
    assert.isTrue(VideoDecision.isSame(decide(state, capacities, new Map(), during), before))
  })

  it("calls of two keep their video then, and calls without video have nothing to decide", () => {
    const both = withheldAtB("group-video", "high-layer")
    const two = callOf([plain, plain], (n) => ({ ...atB(0)(n), callClass: "one-to-one-video" }))
    assert.isUndefined(decide(two, {}, new Map(), undefined, both))
    const audio = callOf([() => [], () => [], () => []], atB(0))
    assert.isUndefined(decide(audio, {}, new Map(), undefined, both))
  })

  it("at a relay that withholds the highest layers nobody sends or receives them, and others do as before", () => {
    const state = layeredCall(4, atB(3))
    const capacities = { downlinksBps: ratesOf(state, () => 20e6) }
    const before = decide(state, capacities)
    const during = decide(state, capacities, new Map(), before, withheldAtB("high-layer"))
    assert.deepStrictEqual(sentBps(during, 3), [0, 500_000, 0])
    assert.deepStrictEqual(givenBps(during, 4, 3), [500_000, 500_000, 500_000, 0])
    assert.deepStrictEqual(givenBps(during, 4, 0), [0, 2_500_000, 2_500_000, 500_000])
    assert.strictEqual(during.wantMore.size, 0, "it is not the paths that keep it from them")
    assert.isTrue(VideoDecision.isSame(decide(state, capacities, new Map(), during), before))
  })

  it("a stream without layers is the lowest that there is", () => {
    const state = callOf([plain, plain, plain], atB(1))
    assert.isUndefined(decide(state, {}, new Map(), undefined, withheldAtB("high-layer")))
  })

  it.prop(
    "whatever relays withhold and give back, it goes to nobody and from nobody there, and audio is as ever",
    [Seed],
    ([seed]) => {
      const draw = dice(seed)
      const names = ["relay-a", "relay-b", "relay-c"]
      const size = 2 + Math.floor(draw() * 4)
      const streamsOf = Array.from({ length: size }, () => (draw() < 0.7 ? layers : plain))
      const state = callOf(streamsOf, () => ({ relay: place(names[Math.floor(draw() * 3)]!) }))
      const audioOf = (decision: VideoDecision.VideoDecision | undefined) =>
        planOf(state, { revision: 1, audible: undefined, video: decision }).rows.filter(({ ssrc }) => ssrc < 10_000)
      let before: VideoDecision.VideoDecision | undefined
      for (let step = 0; step < 4; step++) {
        const withheld = new Map(
          names.map((name) => {
            const extras: ReadonlyArray<QualityExtra> = ["fec", "high-layer", "group-video"]
            return [RelayId.make(name), new Set(extras.slice(0, Math.floor(draw() * 4)))]
          })
        )
        const downlinksBps = ratesOf(state, () => (draw() < 0.2 ? undefined : 50_000 + 8e6 * draw()))
        const decision: VideoDecision.VideoDecision | undefined = decide(
          state,
          { downlinksBps },
          new Map(),
          before,
          withheld
        )
        assert.deepStrictEqual(audioOf(decision), audioOf(undefined), `seed ${seed}`)
        const has = (n: number, extra: QualityExtra) => withheld.get(state.participants[n]!.relay)!.has(extra)
        for (let n = 0; n < size; n++) {
          const isLayered = streamsOf[n] === layers
          for (let layer = 0; layer < (isLayered ? 3 : 1); layer++) {
            const ssrc = ssrcOf(n, layer)
            for (let receiver = 0; receiver < size; receiver++) {
              const isForbidden = [n, receiver].some(
                (end) => has(end, "group-video") || (layer === 2 && has(end, "high-layer"))
              )
              const isGiven =
                decision === undefined ? receiver !== n : decision.viewers.get(ssrc)!.has(participantId(receiver))
              assert.isFalse(isForbidden && isGiven, `seed ${seed}, step ${step}`)
              if (!isForbidden && !isLayered && receiver !== n) assert.isTrue(isGiven, `seed ${seed}, step ${step}`)
            }
            const sentBps = decision?.ratesBps.get(ssrc)
            assert.strictEqual(sentBps !== undefined, isLayered && decision!.viewers.has(ssrc), `seed ${seed}`)
            if (sentBps !== undefined) {
              assert.strictEqual(decision!.viewers.get(ssrc)!.size > 0, sentBps > 0, `seed ${seed}`)
            }
          }
        }
        before = decision
      }
    },
    { arbitrary: { runs: 25 } }
  )

  it.prop(
    "whoever comes, goes and wants whatever, on paths that change, no estimate is exceeded and nothing is sent for nobody",
    [Seed],
    ([seed]) => {
      const draw = dice(seed)
      let before: VideoDecision.VideoDecision | undefined
      let state = layeredCall(2 + Math.floor(draw() * 5))
      for (let step = 0; step < 6; step++) {
        if (draw() < 0.3) state = layeredCall(2 + Math.floor(draw() * 5))
        const size = state.participants.length
        const downlinksBps = ratesOf(state, () => (draw() < 0.2 ? undefined : 50_000 + 4e6 * draw()))
        const uplinksBps = ratesOf(state, () => (draw() < 0.5 ? undefined : 100_000 + 3e6 * draw()))
        const decision = decide(state, { downlinksBps, uplinksBps }, new Map(), before)
        for (let n = 0; n < size; n++) {
          // But for one smallest picture, which needs 100 kbit/s.
          assert.isAtMost(
            sum(givenBps(decision, size, n)),
            Math.max(100_000, downlinksBps.get(tagOf(state, n)) ?? Infinity),
            `seed ${seed}`
          )
          assert.isAtMost(sum(sentBps(decision, n)), uplinksBps.get(tagOf(state, n)) ?? Infinity, `seed ${seed}`)
          for (const [layer, bps] of sentBps(decision, n).entries()) {
            assert.strictEqual(decision.viewers.get(ssrcOf(n, layer))!.size > 0, bps > 0, `seed ${seed}`)
            assert.isTrue(bps === 0 || RateLadder.rungOf(bps) >= 0, `seed ${seed}`)
          }
        }
        // Asked again it comes to rest at once: what a lower layer spares is found with the first answer.
        const second = decide(state, { downlinksBps, uplinksBps }, new Map(), decision)
        const third = decide(state, { downlinksBps, uplinksBps }, new Map(), second)
        assert.isTrue(VideoDecision.isSame(third, second), `seed ${seed}, step ${step}`)
        before = third
      }
    }
  )
})
