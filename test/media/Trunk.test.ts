import { assert, describe, it } from "@effect/vitest"
import * as KeyFrameRequest from "../../src/media/KeyFrameRequest.ts"
import * as Leg from "../../src/media/Leg.ts"
import * as LegKind from "../../src/media/LegKind.ts"
import * as ReceiveLeg from "../../src/media/ReceiveLeg.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as LegPair from "./LegPair.ts"

const perfect = { lossRatio: 0, latencyMs: 100, jitterMs: 0 }
const calls = 50
/** As random as leg tags are: half of them need the highest of their 32 bits. */
const tagOf = (call: number): number => Math.imul(call + 1, 0x9e37_79b9) >>> 0

const trunkOf = (link: LegPair.Link, sequenceStart = 0) => {
  const trunk = LegPair.make({ link, draw: LegPair.dice(7), kind: "trunk", sequenceStart, videoBytes: 64 << 20 })
  // As it is when a relay has been busy: a ring that grows refuses what lies at its front.
  const { video } = trunk.left.resources.rings
  video.lapEnd = video.capacityBytes
  return trunk
}
type Trunk = ReturnType<typeof trunkOf>

/** 100,000 packets a second, of each call in turn. */
const flow = (trunk: Trunk, first: number, forMs: number) => {
  for (let number = first; number < first + 100 * forMs; number++) {
    trunk.send(number, tagOf(number % calls))
    if (number % 100 === 99) trunk.run(1)
  }
}

const upTo = (length: number) => Array.from({ length }, (_, number) => number)
const ascending = (a: number, b: number) => a - b

/** The frames that a side has put into its batch, each in one piece. */
const framesOf = ({ out, resources }: LegPair.Side) =>
  upTo(out.count).map((place) => {
    const bytes = new Uint8Array(PacketBatch.packetBytes(out, place))
    PacketBatch.join(out, place, resources.rings.memory, bytes, 0)
    return { bytes, view: new DataView(bytes.buffer) }
  })

const reportOf = ({ bytes, view }: ReturnType<typeof framesOf>[number]) => {
  const report = Feedback.make()
  const at = HopFrame.trunkHeaderBytes
  assert.isTrue(Feedback.read(view, at, bytes.length - at, report, true))
  return report
}

/** Takes in frames of a call, numbered from 0, all but those left out. */
const receive = (
  { leg, resources }: LegPair.Side,
  count: number,
  nowMs: number,
  isLost: (n: number) => boolean = () => false
) => {
  const { bytes, view } = resources.rings.memory
  for (let n = 0; n < count; n++) {
    if (isLost(n)) continue
    HopFrame.writeHeader(view, 0, HopFrame.typeByte(HopFrame.FrameType.Audio, 0), 0, n, n, 0, tagOf(0))
    HopFrame.writeUpperHalves(view, 0, n, n)
    ReceiveLeg.handleFrame(leg.receive, bytes, view, 0, nowMs)
  }
}

describe("trunk", () => {
  it(
    "brings 100,000 packets a second of many calls over a round trip of 200 ms, every one once, under its call's tag",
    { timeout: 60_000 },
    () => {
      // The numbers wrap on the way, as signed ones too.
      for (const sequenceStart of [-20_000, 0x7fff_e000]) {
        const trunk = trunkOf({ lossRatio: 0.02, latencyMs: 95, jitterMs: 10 }, sequenceStart)
        // Both sides know the round trip before there is much to repair.
        flow(trunk, 0, 1)
        trunk.run(700)
        flow(trunk, 100, 299)
        // Nothing arrives for 20 ms, either way.
        trunk.state.lossRatio = 1
        flow(trunk, 30_000, 20)
        trunk.state.lossRatio = 0.02
        flow(trunk, 32_000, 80)
        trunk.run(1500)
        const { received } = trunk.right
        assert.deepStrictEqual(received.map(({ number }) => number).sort(ascending), upTo(40_000))
        assert.isTrue(received.every(({ number, tag }) => tag === tagOf(number % calls)))
        const { leg } = trunk.left
        // 2,000 and 2 % of the others, and 2 % of these; and what was overtaken before anybody knew how far that goes.
        assert.isAbove(leg.send.packetsResent, 2700)
        assert.isBelow(leg.send.packetsResent, 4500)
        assert.approximately(leg.roundTrip.smoothedMs!, 200, 12)
        assert.isAtMost(trunk.left.reportBytesMax, Feedback.frameBytesMax)
      }
    }
  )

  it("reports all arrivals, as soon as they fill a report", () => {
    const trunk = trunkOf(perfect)
    flow(trunk, 0, 100)
    assert.strictEqual(trunk.left.framesReported, 0)
    trunk.run(100)
    // 10,000 packets have arrived, and what fills a report has come back of those of the first 50 ms. At once, not after 100 ms.
    assert.isAtLeast(trunk.right.framesSent, 9)
    trunk.run(50)
    assert.isAbove(trunk.left.framesReported, 4000)
    trunk.run(3000)
    assert.isAtLeast(trunk.left.framesReported, 10_000)
    assert.isAtMost(trunk.left.reportBytesMax, Feedback.frameBytesMax)
    trunk.run(Leg.releaseAfterMs)
    assert.strictEqual(Leg.nextDeadlineMs(trunk.left.leg), Infinity)
    assert.strictEqual(trunk.left.leg.send.history.packets.length, 0)
  })

  it("sends as many reports at once as it has to tell and to ask for, one behind the other", () => {
    const { right } = trunkOf(perfect)
    receive(right, 6000, 10, (n) => n >= 1000 && n < 2000)
    Leg.poll(right.leg, right.resources, 10, right.out)
    const frames = framesOf(right)
    const reports = frames.map(reportOf)
    assert.isAtLeast(frames.length, 6)
    assert.isTrue(frames.every(({ bytes }) => bytes.length <= Feedback.frameBytesMax))
    let base = 0
    for (const report of reports) {
      assert.strictEqual(report.baseHopSequence, base)
      base += report.arrivalCount
    }
    assert.strictEqual(base, 6000)
    const requests = reports.flatMap((report) => Array.from(report.requests.subarray(0, report.requestCount)))
    assert.deepStrictEqual(
      requests,
      upTo(1000).map((n) => 1000 + n)
    )
    for (const { bytes, view } of frames) {
      assert.strictEqual(HopFrame.typeAt(bytes, 0), HopFrame.FrameType.Feedback)
      assert.strictEqual(HopFrame.legTagAt(view, 0), right.leg.send.legTag, "a report is the trunk's and no call's")
    }
    assert.isAbove(right.leg.deadlineMs, 10, "nothing is left to do")
  })

  it("a batch without room for a report has it next time", () => {
    const { right } = trunkOf(perfect)
    receive(right, 3000, 10)
    right.out.scratchUsed = right.out.scratchBytes - Feedback.frameBytesMax
    Leg.poll(right.leg, right.resources, 10, right.out)
    assert.strictEqual(right.out.count, 1)
    PacketBatch.reset(right.out)
    Leg.poll(right.leg, right.resources, 15, right.out)
    const [first, ...more] = framesOf(right).map(reportOf)
    assert.isAbove(first!.baseHopSequence, 1000)
    assert.strictEqual(first!.baseHopSequence + first!.arrivalCount + (more[0]?.arrivalCount ?? 0), 3000)
  })

  it("asks for the key frames of all its streams, as many in one report as it has room for", () => {
    const { right } = trunkOf(perfect)
    const streams = upTo(40).map((n) => KeyFrameRequest.make(1000 + n))
    right.leg.keyFrames.push(...streams)
    receive(right, 1, 10)
    Leg.poll(right.leg, right.resources, 10, right.out)
    PacketBatch.reset(right.out)
    Leg.poll(right.leg, right.resources, 20, right.out)
    assert.strictEqual(right.out.count, 0, "no key frame is needed")
    for (const stream of streams) Leg.requestKeyFrame(right.leg, stream)
    assert.isAtMost(Leg.nextDeadlineMs(right.leg), 20)
    Leg.poll(right.leg, right.resources, 20, right.out)
    const asked = framesOf(right)
      .map(reportOf)
      .flatMap(({ keyFrameCount, keyFrameSsrcs }) => Array.from(keyFrameSsrcs.subarray(0, keyFrameCount)))
    assert.deepStrictEqual(
      asked,
      streams.map(({ ssrc }) => ssrc)
    )
    assert.strictEqual(right.leg.keyFramesDueMs, 20 + KeyFrameRequest.repeatMs)
  })

  it("padding is the trunk's and no call's, and shows the last number in full", () => {
    const trunk = trunkOf(perfect, 0x1234_5678)
    trunk.send(0, tagOf(3))
    const { left } = trunk
    Leg.poll(left.leg, left.resources, 20, left.out)
    const padding = framesOf(left).find(({ bytes }) => HopFrame.typeAt(bytes, 0) === HopFrame.FrameType.Padding)!
    assert.strictEqual(padding.bytes.length, HopFrame.trunkHeaderBytes)
    assert.strictEqual(HopFrame.legTagAt(padding.view, 0), left.leg.send.legTag)
    assert.strictEqual(HopFrame.wideRepairSequenceAt(padding.view, 0), 0x1234_5678)
  })

  it("all windows are powers of two, and a hole that is asked for fits into its window", () => {
    for (const kind of [LegKind.device, LegKind.trunk]) {
      for (const length of [kind.departuresMax, kind.sentMax, kind.arrivalsMax, kind.windowMax]) {
        assert.strictEqual(length & (length - 1), 0)
      }
      assert.isBelow(kind.gapMax, kind.windowMax)
      assert.isAtLeast(kind.arrivalsMax, Feedback.arrivalsMax)
    }
  })
})
