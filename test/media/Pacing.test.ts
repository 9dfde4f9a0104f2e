import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Pacer from "../../src/media/Pacer.ts"
import * as SendRate from "../../src/media/SendRate.ts"
import * as ProbeControl from "../../src/media/bandwidth/ProbeControl.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacedLeg from "./PacedLeg.ts"

const { Audio, Padding, Video } = HopFrame.FrameType
/** IPv4 and UDP. */
const overheadBytes = 28

const numbersOf = (left: ReadonlyArray<PacedLeg.Left>, type: number) =>
  left.filter((frame) => frame.type === type).map(({ number }) => number)
const range = (count: number) => Array.from({ length: count }, (_, number) => number)

describe("a leg that paces", () => {
  it("lets audio leave at once, whatever video waits", () => {
    const leg = PacedLeg.make(300_000)
    for (const number of range(40)) leg.send("video", number, 1100)
    leg.send("audio", 7, 80)
    assert.deepStrictEqual(
      leg.left.filter(({ type }) => type === Audio).map(({ atMs }) => atMs),
      [0]
    )
    assert.isBelow(numbersOf(leg.left, Video).length, 5)
  })

  it("spreads a key frame, in its order, without a hole in the repair sequences", () => {
    const leg = PacedLeg.make(1_000_000)
    for (const number of range(60)) leg.send("video", number, 1100)
    leg.pass(600)
    assert.deepStrictEqual(numbersOf(leg.left, Video), range(60))
    const media = leg.left.filter(({ type }) => type === Video)
    assert.deepStrictEqual(
      media.map(({ repair }) => repair),
      range(60)
    )
    assert.isTrue(media.every(({ hasHole }) => !hasHole))
    const lastMs = media.at(-1)!.atMs
    // 66 KB at 2.5 Mbps are 211 ms; but nothing waits longer than it may.
    assert.isAtLeast(lastMs, 150)
    assert.isAtMost(lastMs, SendRate.waitMsMax)
  })

  it("begins with a small key frame at once, and goes on as the estimate has it", () => {
    const leg = PacedLeg.make(300_000)
    for (const number of range(24)) leg.send("video", number, 1100)
    leg.pass(80)
    const early = leg.left
      .filter(({ type }) => type !== Audio)
      .reduce((sum, { bytes }) => sum + bytes + overheadBytes, 0)
    assert.isAtLeast(early, SendRate.startBytes)
    // 2.5 times the estimate for what is left of the time, and two packets.
    assert.isAtMost(early, SendRate.startBytes + (0.75e6 * 60) / 8000 + 2 * Pacer.packetBytesMax)
    leg.pass(500)
    assert.deepStrictEqual(numbersOf(leg.left, Video), range(24))
  })

  it.prop(
    "sends in no 10 ms more than 2.5 times the estimate and two packets, while its queue can drain",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 1200 }))).check(
        Schema.isMinLength(1),
        Schema.isMaxLength(60)
      ),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 7 }))
    ],
    ([sizes, tickMs]) => {
      const startBps = 2_000_000
      const leg = PacedLeg.make(startBps)
      sizes.forEach((bytes, number) => leg.send("video", number, bytes))
      leg.pass(400, tickMs)
      const media = leg.left.filter(({ type }) => type === Video)
      assert.strictEqual(media.length, sizes.length)
      const allowed = (Pacer.pacingFactor * startBps * 10) / 8000 + 2 * Pacer.packetBytesMax
      for (const first of media) {
        const inWindow = media.filter(({ atMs }) => atMs >= first.atMs && atMs < first.atMs + 10)
        const bytes = inWindow.reduce((sum, { bytes }) => sum + bytes + overheadBytes, 0)
        assert.isAtMost(bytes, allowed)
      }
    }
  )

  it("gives up first what no other frame needs, and says where the hole is", () => {
    const leg = PacedLeg.make(300_000)
    // Every other frame, of five packets, is of the upper layer.
    for (const number of range(100)) {
      const isUpper = Math.floor(number / 5) % 2 === 1
      leg.send("video", number, 1000, isUpper ? HopFrame.discardableFlag | 1 : 0)
    }
    leg.pass(700)
    const media = leg.left.filter(({ type }) => type === Video)
    const base = range(100).filter((number) => Math.floor(number / 5) % 2 === 0)
    const sent = media.map(({ number }) => number!)
    assert.deepStrictEqual(
      sent.filter((number) => base.includes(number)),
      base,
      "the base layer is whole"
    )
    assert.isBelow(sent.length, 100)
    assert.strictEqual(leg.leg.packetsWithheld, 100 - sent.length)
    for (let i = 1; i < media.length; i++) {
      assert.strictEqual(media[i]!.hasHole, sent[i]! - sent[i - 1]! > 1, `before packet ${sent[i]}`)
    }
  })

  it("sends nothing that has become too old meanwhile", () => {
    const leg = PacedLeg.make(300_000)
    for (const number of range(30)) leg.send("video", number, 1000)
    const before = numbersOf(leg.left, Video).length
    // Nobody polls for more than a second.
    leg.state.nowMs += 1500
    leg.send("video", 100, 1000)
    leg.pass(100)
    assert.deepStrictEqual(numbersOf(leg.left, Video).slice(before), [100])
    assert.isFalse(leg.left.find(({ number }) => number === 100)!.hasHole, "a key frame is needed after it")
  })

  it("probes with padding of zeros, at the rate that is to be shown, when video begins", () => {
    const leg = PacedLeg.make(300_000)
    leg.send("video", 0, 500)
    leg.pass(120)
    const padding = leg.left.filter(({ type }) => type === Padding)
    assert.isAtLeast(padding.length, 8)
    const bytes = padding.reduce((sum, { bytes }) => sum + bytes + overheadBytes, 0)
    // 30 ms of three times the assumed rate, and 30 of six times.
    assert.isAtLeast(bytes, (0.03 * 9 * 300_000) / 8 - 600)
    assert.isAtMost(bytes, 1.5 * ((0.03 * 9 * 300_000) / 8))
  })

  it("does not probe on where media has stopped, whatever was wanted before", () => {
    const leg = PacedLeg.make(300_000)
    leg.send("video", 0, 500)
    leg.pass(1500)
    const { estimator } = leg.leg.rate!
    estimator.wantsMore = true
    ProbeControl.setPeriodic(estimator.probes, true, leg.state.nowMs)
    leg.pass(500)
    const sent = leg.left.length
    leg.pass(15_000, 50)
    assert.strictEqual(leg.left.length, sent)
    assert.strictEqual(leg.leg.rate!.deadlineMs, Infinity)
  })

  it("while that is withheld it probes at the start and no more", () => {
    const leg = PacedLeg.make(300_000)
    leg.resources.withheld.fec = true
    let number = 0
    const goOn = (forMs: number) => {
      const from = leg.left.length
      for (const endMs = leg.state.nowMs + forMs; leg.state.nowMs < endMs; leg.pass(50))
        leg.send("video", number++, 200)
      return leg.left.slice(from).filter(({ bytes, type }) => type === Padding && bytes > HopFrame.headerBytes)
    }
    assert.isNotEmpty(goOn(ProbeControl.startAgainMs + 100))
    ProbeControl.setPeriodic(leg.leg.rate!.estimator.probes, true, leg.state.nowMs)
    assert.isEmpty(goOn(3 * ProbeControl.periodicEveryMs))
    leg.resources.withheld.fec = false
    assert.isNotEmpty(goOn(ProbeControl.periodicEveryMs + 100))
  })

  it("ends a probe that media is faster than", () => {
    const leg = PacedLeg.make(300_000)
    leg.send("video", 0, 1000)
    // 8 Mbps that wait for nobody, against probes of 0.9 and 1.8: nothing of these is ever due.
    for (const number of range(100)) {
      leg.send("audio", number, 1000)
      leg.pass(1)
    }
    assert.strictEqual(leg.leg.rate!.estimator.probeId, 0)
  })

  it("does not begin with audio alone", () => {
    const leg = PacedLeg.make(300_000)
    for (const number of range(50)) {
      leg.send("audio", number, 80)
      leg.pass(20)
    }
    assert.isUndefined(leg.leg.rate)
    assert.strictEqual(leg.left.length, 50)
  })
})
