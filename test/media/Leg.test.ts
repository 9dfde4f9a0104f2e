import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as KeyFrameRequest from "../../src/media/KeyFrameRequest.ts"
import * as Leg from "../../src/media/Leg.ts"
import * as SendLeg from "../../src/media/SendLeg.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as LegKinds from "./LegKinds.ts"
import * as LegPair from "./LegPair.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))
const lossy = { lossRatio: 0.1, latencyMs: 20, jitterMs: 5 }

/** One packet every 10 ms for two seconds, then quiet. */
const stream = (pair: ReturnType<typeof LegPair.make>, packets = 200) => {
  for (let number = 0; number < packets; number++) {
    pair.send(number)
    pair.run(10)
  }
  pair.run(2000)
  return pair
}

describe.each(LegKinds.all)("Leg of a $name", ({ Near, at, kind, name }) => {
  const pairOf = (options: Omit<Parameters<typeof LegPair.make>[0], "kind">) => LegPair.make({ ...options, kind: name })

  it.prop(
    "brings every packet exactly once over a lossy, reordering link, wherever numbers wrap",
    [Seed, Near],
    ([seed, near]) => {
      const pair = stream(pairOf({ link: lossy, draw: LegPair.dice(seed), sequenceStart: at(near) }))
      const numbers = pair.right.received.map(({ number }) => number).sort((a, b) => a - b)
      // Ten tries of two passages at 10 % each: what is left is below 1e-7.
      assert.deepStrictEqual(
        numbers,
        Array.from({ length: 200 }, (_, n) => n),
        `seed ${seed}`
      )
      const { packetsResent } = pair.left.leg.send
      assert.isAtMost(packetsResent, 70, `seed ${seed}: at 10 % loss about 22 resends are needed`)
    }
  )

  it.prop(
    "an idle leg gives its windows back, and goes on where it was",
    [Seed],
    ([seed]) => {
      const pair = pairOf({ link: lossy, draw: LegPair.dice(seed) })
      for (let round = 0; round < 3; round++) {
        for (let number = 0; number < 100; number++) {
          pair.send(100 * round + number)
          pair.run(10)
        }
        pair.run(Leg.releaseAfterMs + 3000)
        for (const { leg } of [pair.left, pair.right]) {
          assert.strictEqual(Leg.nextDeadlineMs(leg), Infinity)
          assert.strictEqual(leg.receive.arrivals.arrivedAtMs.length, 0)
          assert.strictEqual(leg.receive.nacks.states.length, 0)
          assert.strictEqual(leg.send.departures.sentAtMs.length, 0)
          assert.strictEqual(leg.send.history.packets.length, 0)
        }
      }
      const numbers = pair.right.received.map(({ number }) => number).sort((a, b) => a - b)
      assert.deepStrictEqual(
        numbers,
        Array.from({ length: 300 }, (_, n) => n),
        `seed ${seed}`
      )
    },
    { arbitrary: { runs: 30 } }
  )

  it.prop(
    "a wish for a key frame arrives, also if nothing will ever say that one has come",
    [Seed, Near],
    ([seed, near]) => {
      const asked: Array<number> = []
      const onFrame = (bytes: Uint8Array) => {
        if (HopFrame.typeAt(bytes, 0) !== HopFrame.FrameType.Feedback) return
        const report = Feedback.make()
        const length = bytes.length - kind.headerBytes
        assert.isTrue(Feedback.read(new DataView(bytes.buffer), kind.headerBytes, length, report, kind.isTrunk))
        asked.push(...report.keyFrameSsrcs.subarray(0, report.keyFrameCount))
      }
      const link = { ...lossy, lossRatio: 0.2 }
      const pair = pairOf({ link, repair: false, draw: LegPair.dice(seed), sequenceStart: at(near), onFrame })
      const wishes = Array.from({ length: 10 }, (_, ssrc) => KeyFrameRequest.make(ssrc))
      const { leg } = pair.right
      leg.keyFrames.push(...wishes)
      for (let number = 0; number < 600; number++) {
        const wish = number % 20 === 10 ? wishes[Math.floor(number / 20)] : undefined
        if (wish !== undefined) Leg.requestKeyFrame(leg, wish)
        pair.send(number)
        pair.run(10)
      }
      for (const { ssrc } of wishes) {
        const times = asked.filter((one) => one === ssrc).length
        // Twice, and once more for each that had come when the report of it was lost.
        assert.isTrue(times >= 2 && times <= 12, `seed ${seed}: ${ssrc} was asked for ${times} times`)
      }
      assert.isEmpty(wishes.filter(({ pending }) => pending))
    },
    { arbitrary: { runs: 30 } }
  )

  it("without repair what is lost stays lost", () => {
    const pair = stream(pairOf({ link: lossy, repair: false, draw: LegPair.dice(1) }))
    assert.isBelow(pair.right.received.length, 195)
    assert.strictEqual(pair.left.leg.send.packetsResent, 0)
  })

  it("measures the round trip without the time a report was held", () => {
    const pair = stream(pairOf({ link: { lossRatio: 0, latencyMs: 20, jitterMs: 0 }, draw: LegPair.dice(1) }))
    for (const side of [pair.left, pair.right]) {
      // The simulator looks once a millisecond, on each side.
      assert.approximately(side.leg.roundTrip.smoothedMs!, 40, 2)
    }
  })

  it("notices that the last packet was lost", () => {
    const pair = pairOf({ link: { lossRatio: 0, latencyMs: 20, jitterMs: 0 }, draw: LegPair.dice(1) })
    pair.send(0)
    pair.run(50)
    pair.state.lossRatio = 1
    pair.send(1)
    pair.state.lossRatio = 0
    pair.run(19)
    assert.strictEqual(pair.right.received.length, 1)
    pair.run(100)
    assert.strictEqual(pair.right.received.length, 2)
  })

  it("sends the same packet again at most once in 0.7 round trips", () => {
    const pair = pairOf({ link: { lossRatio: 0, latencyMs: 50, jitterMs: 0 }, draw: LegPair.dice(1) })
    stream(pair, 5)
    const { leg, out, resources } = pair.left
    resources.report.requestCount = 1
    resources.report.requests[0] = 4
    const askAt = (nowMs: number) => {
      const before = leg.send.packetsResent
      SendLeg.answerRequests(leg.send, resources.rings, resources.report, 100, nowMs, out)
      return leg.send.packetsResent - before
    }
    // Packet 4 was sent at 40 ms.
    assert.deepStrictEqual([109, 110, 111, 179, 180].map(askAt), [0, 1, 0, 0, 1])
    assert.strictEqual(leg.send.requestsRefused, 3)
  })

  it("gives a receiver no more resends than packets, and none within 10 ms, whatever round trip it claims", () => {
    const pair = pairOf({ link: { lossRatio: 0, latencyMs: 5, jitterMs: 0 }, draw: LegPair.dice(1) })
    stream(pair, 200)
    const { leg, out, resources } = pair.left
    resources.report.requestCount = 150
    for (let i = 0; i < 150; i++) resources.report.requests[i] = 50 + i
    const before = leg.send.packetsResent
    for (let ms = 0; ms < 40; ms++) {
      SendLeg.answerRequests(leg.send, resources.rings, resources.report, 0, 2500 + ms, out)
      out.count = 0
    }
    assert.isAtMost(leg.send.packetsResent - before, 256)
    assert.isAtLeast(leg.send.packetsResent - before, 100)
  })

  it("leaves room in a batch for what is sent for the first time", () => {
    const pair = pairOf({ link: { lossRatio: 0, latencyMs: 5, jitterMs: 0 }, draw: LegPair.dice(1) })
    stream(pair, 100)
    const { leg, out, resources } = pair.left
    out.count = out.capacity / 2
    resources.report.requestCount = 1
    resources.report.requests[0] = 99
    SendLeg.answerRequests(leg.send, resources.rings, resources.report, 0, 1500, out)
    assert.strictEqual(out.count, out.capacity / 2)
    assert.strictEqual(leg.send.requestsRefused, 1)
  })

  it("falls silent two seconds after the last packet", () => {
    const pair = stream(pairOf({ link: lossy, draw: LegPair.dice(2) }))
    pair.run(500)
    const sent = pair.left.framesSent + pair.right.framesSent
    pair.run(5000)
    assert.strictEqual(pair.left.framesSent + pair.right.framesSent, sent)
  })

  it("gives up a packet that is older than its deadline", () => {
    const pair = pairOf({ link: { lossRatio: 0, latencyMs: 20, jitterMs: 0 }, draw: LegPair.dice(1) })
    pair.send(0)
    pair.run(50)
    pair.state.lossRatio = 1
    for (let number = 1; number < 120; number++) {
      pair.send(number)
      pair.run(10)
    }
    pair.state.lossRatio = 0
    pair.send(120)
    pair.run(3000)
    const numbers = pair.right.received.map(({ number }) => number)
    assert.notInclude(numbers, 1, "1,190 ms old when the link came back")
    assert.include(numbers, 119)
    assert.include(numbers, 60)
    assert.isAbove(pair.left.leg.send.requestsRefused, 0)
  })
})
