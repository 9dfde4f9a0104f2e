import { assert, describe, it } from "@effect/vitest"
import * as AudioCopies from "../../src/media/AudioCopies.ts"
import * as Leg from "../../src/media/Leg.ts"
import * as Pacing from "../../src/media/Pacing.ts"
import * as PacketRing from "../../src/media/PacketRing.ts"
import * as SendRate from "../../src/media/SendRate.ts"
import * as SentHistory from "../../src/media/SentHistory.ts"
import * as StreamClock from "../../src/media/StreamClock.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as LegPair from "./LegPair.ts"

const packetMs = 20
/** A round trip of 200 ms: a resend comes after more than that, and 100 ms of playout are too short for it. */
const link = { latencyMs: 100, jitterMs: 0 }
const playoutMs = 100

/** A voice for so long over a leg that loses so much. Which packets came in time, from `sinceMs` on, and the copies. */
const speak = (lossRatio: number, forMs: number, sinceMs: number, seed: number) => {
  const pair = LegPair.make({ link: { ...link, lossRatio }, draw: LegPair.dice(seed) })
  const { left, right, state } = pair
  const clock = StreamClock.make("audio", 48_000)
  const sentAtMs: Array<number> = []
  const say = () => {
    const timestamp = sentAtMs.length * 960
    StreamClock.handlePacket(clock, timestamp, state.nowMs)
    const bytes = new Uint8Array(80)
    new DataView(bytes.buffer).setUint32(0, sentAtMs.length)
    const ring = left.resources.rings.audio
    const packet = PacketRing.storeBytes(ring, bytes, timestamp, clock, state.nowMs)
    const type = HopFrame.typeByte(HopFrame.FrameType.Audio, 0)
    Pacing.send(left.leg.send, left.leg.send.legTag, ring, packet, type, 0, state.nowMs, left.out)
    sentAtMs.push(state.nowMs)
    pair.run(packetMs)
  }
  const speakUntil = (endMs: number) => {
    while (state.nowMs < endMs) say()
  }
  speakUntil(forMs)
  const arrivedAtMs = new Map(right.received.map(({ atMs, number }) => [number, atMs]))
  const counted = sentAtMs.map((_, n) => n).filter((n) => sentAtMs[n]! >= sinceMs && sentAtMs[n]! < forMs - 1000)
  const missed = counted.filter((n) => !(arrivedAtMs.get(n)! <= sentAtMs[n]! + link.latencyMs + playoutMs))
  return { missedRatio: missed.length / counted.length, left, state, speakUntil, numbers: right.received }
}

describe("copies of audio", () => {
  it.each([
    [0.05, 0.005],
    [0.1, 0.01]
  ])("leave of a loss of %d no more than %d, without a resend in time", (lossRatio, missedMax) => {
    const { left, missedRatio, numbers } = speak(lossRatio, 60_000, 5000, 1)
    assert.isAtMost(missedRatio, missedMax)
    assert.isAbove(left.leg.send.copiesSent, 2000)
    assert.strictEqual(new Set(numbers.map(({ number }) => number)).size, numbers.length, "each packet once")
  })

  it("are not sent where hardly anything is lost, and end when the losses do", () => {
    const { left } = speak(0.005, 30_000, 0, 2)
    assert.strictEqual(left.leg.send.copiesSent, 0)
    const lossy = speak(0.1, 10_000, 0, 3)
    lossy.state.lossRatio = 0
    lossy.speakUntil(25_000)
    const { copiesSent } = lossy.left.leg.send
    assert.isAbove(copiesSent, 0)
    lossy.speakUntil(30_000)
    assert.strictEqual(lossy.left.leg.send.copiesSent, copiesSent)
  })

  it("are not sent while they are withheld, from the next report on; allowed again, they begin as on a new leg", () => {
    const { left, speakUntil } = speak(0.1, 10_000, 0, 5)
    const { leg, resources } = left
    assert.isAbove(leg.send.copiesSent, 0)
    resources.withheld.duplication = true
    speakUntil(10_500)
    const { copiesSent } = leg.send
    speakUntil(30_000)
    assert.strictEqual(leg.send.copiesSent, copiesSent)
    resources.withheld.duplication = false
    speakUntil(31_500)
    assert.strictEqual(leg.send.copiesSent, copiesSent)
    speakUntil(40_000)
    assert.isAbove(leg.send.copiesSent, copiesSent + 200)
  })

  it("are not sent behind a queue that stands, and are behind what was held up for a moment", () => {
    const { left, state } = speak(0.1, 10_000, 5000, 1)
    const { rings } = left.resources
    const copiesBehind = (queueMs: number, standsMs: number) => {
      const rate = SendRate.make(left.leg.send.kind, left.leg.send.nextHop)
      Object.assign(rate.estimator.queue, { queueMs, standsMs })
      const leg = { ...left.leg.send, rate }
      AudioCopies.handleSent(
        leg,
        rings.audio,
        leg.history.packets[SentHistory.find(leg.history, leg.history.highest)]!,
        state.nowMs,
        left.out
      )
      return leg.copiesSent - left.leg.send.copiesSent
    }
    assert.deepStrictEqual([copiesBehind(0, 0), copiesBehind(200, 0), copiesBehind(200, 100)], [1, 1, 0])
  })

  it("cost nothing on a leg that was idle", () => {
    const { left, state } = speak(0.1, 10_000, 0, 4)
    assert.isDefined(left.leg.send.duplication)
    // In the first of them a last report and padding are due.
    for (let polls = 0; polls < 6; polls++) {
      state.nowMs += 2 * Leg.releaseAfterMs
      Leg.poll(left.leg, left.resources, state.nowMs, left.out)
    }
    assert.isUndefined(left.leg.send.duplication)
  })
})
