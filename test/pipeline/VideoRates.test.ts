import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as FairShare from "../../src/media/FairShare.ts"
import * as RateNotice from "../../src/media/RateNotice.ts"
import * as ReceiveLeg from "../../src/media/ReceiveLeg.ts"
import * as ReceiverRates from "../../src/media/ReceiverRates.ts"
import * as LegSummary from "../../src/pipeline/LegSummary.ts"
import * as RelayLeg from "../../src/pipeline/RelayLeg.ts"
import * as VideoRates from "../../src/pipeline/VideoRates.ts"
import * as CompactRate from "../../src/protocol/CompactRate.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as Relay from "./RelayHarness.ts"

const Bps = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))
const Many = Schema.Array(Bps).check(Schema.isMinLength(1), Schema.isMaxLength(50))

describe("the share of a stream", () => {
  it.prop(
    "all streams together use what there is and no more, and nobody gets less than another who uses as much",
    [Bps, Many],
    ([freeBps, demandsBps]) => {
      const shareBps = FairShare.shareBps(freeBps, [...demandsBps])
      const used = demandsBps.reduce((sum, demandBps) => sum + Math.min(demandBps, shareBps), 0)
      assert.isAtMost(used, freeBps * (1 + 1e-9))
      const wanted = demandsBps.reduce((sum, demandBps) => sum + demandBps, 0)
      assert.closeTo(used, Math.min(wanted, freeBps), 1e-6 * (freeBps + 1))
    }
  )

  it("is all of it for one, half of what is known of nobody, and what the small ones leave", () => {
    assert.strictEqual(FairShare.shareBps(1000, [100]), 1000)
    assert.strictEqual(FairShare.shareBps(1000, [Infinity, Infinity]), 500)
    assert.strictEqual(FairShare.shareBps(1000, [Infinity, 100, 0]), 900)
    assert.strictEqual(FairShare.shareBps(1000, []), 1000)
    assert.strictEqual(FairShare.shareBps(-5, [10]), 0)
  })
})

describe("what is of use to several receivers", () => {
  const all = (rates: ReadonlyArray<number>): number => rates.reduce(VideoRates.together)

  it.prop("is the same in whatever order and at however many relays they are put together", [Many, Many], ([a, b]) => {
    const bps = all([...a, ...b])
    assert.strictEqual(all([all(b), all(a)]), bps)
    assert.strictEqual(all(b.toReversed().concat(a)), bps)
    assert.isAtLeast(bps, Math.min(...a, ...b))
    assert.isAtMost(bps, Math.max(...a, ...b))
  })

  it("is what the slowest has, but nobody is made slower than a small picture by one who has less", () => {
    assert.strictEqual(all([100_000]), 100_000)
    assert.strictEqual(all([800_000, 2_000_000, 500_000]), 500_000)
    assert.strictEqual(all([800_000, 20_000]), VideoRates.groupBps)
    assert.strictEqual(all([80_000, 20_000]), 80_000)
  })
})

describe("a rate that is told", () => {
  it("is told when it has changed by what matters, and repeated while somebody keeps it up to date", () => {
    const notice = RateNotice.make(7)
    const told: Array<number> = []
    const at = (atMs: number, bps: number) => {
      RateNotice.handleRate(notice, bps, atMs)
      if (RateNotice.poll(notice, atMs)) told.push(atMs)
    }
    at(0, 600_000)
    at(100, 610_000)
    at(200, 620_000)
    at(300, 601_000)
    at(800, 610_000)
    assert.isFalse(RateNotice.poll(notice, 850))
    RateNotice.handleRate(notice, 300_000, 900)
    assert.isFalse(RateNotice.poll(notice, 5000), "by then it is old")
    assert.deepStrictEqual(told, [0, 200, 300, 800])
  })

  it.prop("0 is told as well, once a turn", [Schema.Array(Schema.Literals([0, 1000]))], ([rates]) => {
    const notice = RateNotice.make(7)
    rates.forEach((bps, i) => {
      RateNotice.handleRate(notice, bps, 10 * i)
      if (RateNotice.poll(notice, 10 * i)) assert.strictEqual(notice.toldBps, bps)
      assert.isFalse(RateNotice.poll(notice, 10 * i))
    })
  })

  it("0 that stays 0 is no change", () => {
    const notice = RateNotice.make(7)
    const told = [0, 100, 300, RateNotice.repeatMs].filter((atMs) => {
      RateNotice.handleRate(notice, 0, atMs)
      return RateNotice.poll(notice, atMs)
    })
    assert.deepStrictEqual(told, [0, RateNotice.repeatMs])
  })

  it("counts for three seconds, and all streams of a sender together", () => {
    const rates = ReceiverRates.make()
    assert.strictEqual(ReceiverRates.totalBps(rates, 0), Infinity)
    ReceiverRates.handleRate(rates, 1, 500, 0)
    ReceiverRates.handleRate(rates, 2, 300, 2000)
    assert.strictEqual(ReceiverRates.totalBps(rates, 2500), 800)
    assert.strictEqual(ReceiverRates.rateBps(rates, 1, 2999), 500)
    assert.isNaN(ReceiverRates.rateBps(rates, 1, 3000))
    assert.strictEqual(ReceiverRates.totalBps(rates, 3000), 300)
    assert.strictEqual(ReceiverRates.totalBps(rates, 5000), Infinity)
    assert.strictEqual(rates.told.size, 0)
  })
})

describe("a relay's forwarding", () => {
  const scene = () => {
    const relay = Relay.make(3)
    for (let repair = 0; repair < 3; repair++) {
      relay.receive(repair, Relay.frame({ from: 0, repair, type: HopFrame.FrameType.Video }))
    }
    /** What the others' paths are believed to carry, and have been seen to. */
    const measured = (participant: number, targetBps: number) => {
      const { estimator } = relay.legs[participant]!.hop.send.rate!
      estimator.targetBps = targetBps
      estimator.acknowledged.rateBps = targetBps
    }
    const hops = [3, 0, 0]
    const report = (from: number, atMs: number, rates: ReadonlyArray<readonly [number, number]> = []) =>
      relay.receive(atMs, Relay.feedback(from, hops[from]!++, { rates }))
    /** What participant 0 is told with the report that is due. */
    const told = (atMs: number) => {
      relay.receive(atMs, Relay.frame({ from: 0, repair: hops[0]!++, type: HopFrame.FrameType.Video }))
      const sent = relay
        .poll(atMs + 150)
        .filter((frame) => frame.to === 0 && Relay.typeOf(frame) === HopFrame.FrameType.Feedback)
      return sent.flatMap((frame) => Relay.readFeedback(frame).rates)
    }
    return { measured, report, told, relay }
  }

  it("tells the sender what the slowest of its receivers has, and not what one says of himself", () => {
    const { measured, report, told } = scene()
    report(1, 100, [[Relay.videoSsrc(0), 5000]])
    assert.deepStrictEqual(told(101), [], "nothing has been measured")
    measured(1, 2_000_000)
    report(1, 300)
    assert.deepStrictEqual(told(301), [[Relay.videoSsrc(0), CompactRate.decode(CompactRate.encode(2_000_000))]])
    measured(2, 600_000)
    report(2, 500)
    const [[ssrc, bps] = []] = told(501)
    assert.strictEqual(ssrc, Relay.videoSsrc(0))
    assert.closeTo(bps!, 600_000, 600)
    report(2, 600)
    assert.deepStrictEqual(told(601), [], "it is known")
    measured(2, 10_000)
    report(2, 800)
    assert.closeTo(told(801)[0]![1], VideoRates.groupBps, 150, "he takes nobody further down with him")
    // Of participant 2 nothing is heard any more.
    for (const atMs of [1900, 3000, 4100]) report(1, atMs)
    assert.closeTo(told(4101)[0]![1], 2_000_000, 2000)
  })

  it("looks at a receiver no more often than reports are due, however often he reports", () => {
    const { measured, relay, report } = scene()
    measured(1, 2_000_000)
    report(1, 300)
    const { downlink } = relay.legs[1]!
    const looks = new Set<number>()
    for (let atMs = 301; atMs < 1300; atMs++) {
      measured(1, atMs % 2 === 0 ? 2_000_000 : 500_000)
      report(1, atMs)
      looks.add(downlink!.atMs)
    }
    assert.isAtMost(looks.size, 11)
    assert.isAtLeast(looks.size, 10)
  })

  it("tells nothing of a stream of which the other relay says nothing, whatever it says of another", () => {
    const { forwarding, legs } = Relay.make(3)
    const { call } = legs[0]!
    const trunk = RelayLeg.makeTrunk({ receiveTag: 1, sendTag: 2, epoch: 1, address: Relay.addressOf(9), repair: true })
    const receiver = RelayLeg.makeOnTrunk(trunk, call, { receiveTag: 3, sendTag: 4 })
    receiver.sources = legs
    for (const { streams } of legs) for (const stream of streams) stream.targets = [receiver]
    const { report } = forwarding.resources
    report.rateCount = 0
    Feedback.addRate(report, Relay.videoSsrc(1), 400_000)
    VideoRates.handleReport(
      forwarding,
      receiver,
      100,
      PacketBatch.makeSendBatch({ capacity: 8, scratchOffset: 0, scratchBytes: 0 })
    )
    const pending = legs.map(({ hop }) => hop.rateNotices.filter((notice) => RateNotice.poll(notice, 100)))
    assert.deepStrictEqual(
      pending.map((notices) => notices.map(({ bps }) => bps)),
      [[], [400_000], []]
    )
  })

  it("summarises losses as they were on the way, whatever repaired them", () => {
    const relay = Relay.make(2)
    const [ada, lin] = relay.legs
    const summaries = [LegSummary.make(), LegSummary.make()]
    const polled = (nowMs: number) => relay.legs.map((leg, n) => LegSummary.poll(summaries[n]!, leg, nowMs))
    polled(0)
    for (let repair = 0; repair < 50; repair++) {
      const { receive } = ada!.hop
      // One in ten is lost: a repair packet gives it back, or a resend.
      if (repair % 10 !== 4) relay.receive(20 * repair, Relay.frame({ from: 0, repair, hop: repair }))
      if (repair % 20 === 5) assert.isTrue(ReceiveLeg.handleRecovered(receive, repair - 1, 0, 20 * repair))
      if (repair % 20 !== 15) continue
      relay.receive(
        20 * repair,
        Relay.frame({ from: 0, repair: repair - 1, hop: 50 + repair, flags: HopFrame.resendFlag })
      )
    }
    // Lin's relay was asked for nothing: what she had lost came by a repair packet too.
    const arrived = Array.from({ length: 40 }, (_, i) => i % 5 !== 2)
    relay.receive(950, Relay.feedback(1, 0, { arrivals: { from: 0, arrived } }))
    assert.strictEqual(lin!.hop.send.packetsResent, 0)
    const [uplink, downlink] = polled(1000)
    assert.closeTo(uplink!.uplinkLossRatio, 0.1, 0.001)
    assert.closeTo(downlink!.downlinkLossRatio, 0.2, 0.001)
  })

  it("summarises a leg for the actor, when there is something to say", () => {
    const relay = Relay.make(2)
    const summary = LegSummary.make()
    const [leg] = relay.legs
    assert.isUndefined(LegSummary.poll(summary, leg!, 0))
    // A packet of 20 bytes, 72 with all headers, every 20 ms: one in ten is lost.
    const second = (n: number) => {
      for (let i = 0; i < 50; i++) {
        const repair = 50 * n + i
        if (i % 10 !== 9) relay.receive(1000 * n + 20 * i, Relay.frame({ from: 0, repair }))
      }
      return LegSummary.poll(summary, leg!, 1000 * (n + 1))
    }
    const first = second(0)!
    assert.closeTo(first.uplinkBps, 45 * 72 * 8, 1)
    assert.closeTo(first.uplinkLossRatio, 0.1, 0.03)
    assert.deepInclude(first, { legTag: Relay.tagOf(0), downlinkBps: 0, downlinkLossRatio: 0, roundTripMs: 0 })
    second(1)
    assert.deepStrictEqual([2, 3, 4].map(second), [undefined, undefined, undefined])
    assert.isDefined(
      [5, 6].map(second).find((told) => told !== undefined),
      "repeated after 5 s"
    )
  })
})
