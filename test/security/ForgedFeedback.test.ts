import { assert, describe, it } from "@effect/vitest"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as Relay from "../pipeline/RelayHarness.ts"

const { FrameType } = HopFrame
const keyFrame = HopFrame.startOfFrameFlag | HopFrame.independentFlag
const packetMs = 20
const packets = 100

/**
 * A relay that has just forwarded two seconds of participant 0's audio and a key frame to participant 1, who has reported
 * on them once: that frame, as somebody on the path has captured it, and when.
 */
const scene = () => {
  const relay = Relay.make(3)
  relay.receive(0, Relay.frame({ from: 0, repair: 0, type: FrameType.Video, descriptor: keyFrame }))
  for (let n = 1; n < packets; n++) {
    relay.receive(n * packetMs, Relay.frame({ from: 0, repair: n, timestamp: n * 960 }))
    relay.poll(n * packetMs)
  }
  const [receiver] = [relay.legs[1]!]
  const effects = () => ({
    resent: receiver.hop.send.packetsResent,
    refused: receiver.hop.send.requestsRefused,
    feedbackIn: relay.forwarding.counters.feedbackIn,
    roundTripMs: receiver.hop.roundTrip.smoothedMs,
    keyFrame: relay.legs[0]!.hop.keyFrames[0]!.pending
  })
  return { relay, receiver, effects, nowMs: packets * packetMs }
}

/** Asks for all that could be asked for. */
const greedy = (hop: number) =>
  Relay.feedback(1, hop, {
    requests: Array.from({ length: 90 }, (_, back) => packets - 1 - back),
    keyFrames: [Relay.videoSsrc(0)]
  })

const withTag = (bytes: Uint8Array, tag: number): Uint8Array => {
  const changed = bytes.slice()
  new DataView(changed.buffer).setUint32(8, tag)
  return changed
}

describe("forged feedback", () => {
  it("from another address, with everything else right: no resend, no key frame, no round trip", () => {
    const { effects, nowMs, relay } = scene()
    const before = effects()
    for (const from of [Relay.addressOf(0), Relay.addressOf(2), Relay.addressOf(60)]) {
      for (let n = 0; n < 50; n++) {
        assert.deepStrictEqual(relay.receive(nowMs + n, { from, bytes: greedy(n).bytes }), [])
      }
    }
    assert.deepStrictEqual(effects(), before)
    assert.strictEqual(relay.forwarding.counters.dropped.wrongAddress, 150)
  })

  it("from the right address with a wrong tag, or of another session: the same", () => {
    const { effects, nowMs, relay } = scene()
    const before = effects()
    const { bytes, from } = greedy(0)
    const wrongEpoch = bytes.slice()
    wrongEpoch[6]! ^= 1
    for (const forged of [0, 1, 2, Relay.tagOf(1) ^ 1, 0xffffffff].map((tag) => withTag(bytes, tag))) {
      assert.deepStrictEqual(relay.receive(nowMs, { from, bytes: forged }), [])
    }
    assert.deepStrictEqual(relay.receive(nowMs, { from, bytes: wrongEpoch }), [])
    assert.deepStrictEqual(effects(), before)
  })

  it("of another participant of the call, under its own tag: asks for nothing of anybody else's leg", () => {
    const { nowMs, receiver, relay } = scene()
    const { bytes } = greedy(0)
    const sent = relay.receive(nowMs, { from: Relay.addressOf(2), bytes: withTag(bytes, Relay.tagOf(2)) })
    assert.isTrue(sent.every(({ to }) => to === 2))
    assert.strictEqual(receiver.hop.send.packetsResent, 0)
  })
})

describe("captured feedback that is sent again from the right address", () => {
  it("has no effect: its hop sequence has been here", () => {
    const { effects, nowMs, relay } = scene()
    const captured = greedy(0)
    const answered = relay.receive(nowMs, captured)
    assert.isAbove(answered.length, 0)
    const before = effects()
    for (let ms = 1; ms <= 1000; ms++) assert.deepStrictEqual(relay.receive(nowMs + ms, captured), [])
    assert.deepStrictEqual(effects(), before)
    assert.strictEqual(relay.forwarding.counters.dropped.duplicate, 1000)
  })

  it("is no sign of life", () => {
    const { nowMs, receiver, relay } = scene()
    const captured = greedy(0)
    relay.receive(nowMs, captured)
    for (let ms = 1000; ms <= 60_000; ms += 1000) relay.receive(nowMs + ms, captured)
    assert.strictEqual(receiver.hop.receive.lastFrameAtMs, nowMs)
  })

  it("has no effect much later either, when the numbers have gone on", () => {
    const { effects, nowMs, relay } = scene()
    const captured = greedy(0)
    relay.receive(nowMs, captured)
    for (let hop = 1; hop <= 5000; hop++) relay.receive(nowMs + hop, Relay.feedback(1, hop, {}))
    const before = effects()
    for (let n = 0; n < 100; n++) assert.deepStrictEqual(relay.receive(nowMs + 6000 + n, captured), [])
    assert.deepStrictEqual(effects(), before)
  })
})

/** There is no code on a frame (docs/decisions/0003): who can read a leg's tag and send from its address can make feedback. */
describe("what an attacker on the path can do with feedback of his own making", () => {
  it("resends: as many as packets were sent, and 256 more, however often they are asked for", () => {
    const relay = Relay.make(2)
    const sent = 300
    for (let n = 0; n < sent; n++) {
      relay.receive(n, Relay.frame({ from: 0, repair: n, type: FrameType.Video, timestamp: n * 90 }))
    }
    const all = Array.from({ length: 256 }, (_, back) => sent - 1 - back)
    let resends = 0
    for (let hop = 0; hop < 600; hop++) {
      const answers = relay.receive(sent + hop, Relay.feedback(1, hop, { requests: all }))
      assert.isTrue(answers.every(({ to }) => to === 1))
      resends += answers.length
    }
    // The budget begins with 256 and never holds more; what was sent before has found it full.
    assert.strictEqual(resends, 256)
    for (let n = sent; n < sent + 20; n++) {
      relay.receive(900 + n, Relay.frame({ from: 0, repair: n, type: FrameType.Video, timestamp: n * 90 }))
    }
    assert.strictEqual(relay.receive(1300, Relay.feedback(1, 600, { requests: all.map((n) => n + 20) })).length, 20)
  })

  it("key frames: one request in 500 ms, and only of streams that the receiver gets", () => {
    const { nowMs, relay } = scene()
    const asks: Array<number> = []
    for (let ms = 0; ms < 2000; ms += 5) {
      relay.receive(
        nowMs + ms,
        Relay.feedback(1, ms / 5, { keyFrames: [Relay.videoSsrc(0), Relay.videoSsrc(1), 4711] })
      )
      for (const sent of relay.poll(nowMs + ms)) {
        if (Relay.typeOf(sent) === FrameType.Feedback) asks.push(...Relay.readFeedback(sent).keyFrames)
      }
    }
    assert.isAtLeast(asks.length, 1)
    assert.isAtMost(asks.length, 4)
    assert.deepStrictEqual(new Set(asks), new Set([Relay.videoSsrc(0)]))
  })

  it("the other direction and the other legs do not notice", () => {
    const { nowMs, relay } = scene()
    for (let hop = 0; hop < 200; hop++) relay.receive(nowMs + hop, greedy(hop))
    const sent = relay.receive(nowMs + 300, Relay.frame({ from: 0, repair: packets, timestamp: packets * 960 }))
    assert.deepStrictEqual(
      sent.map(({ to }) => to),
      [1, 2]
    )
    assert.strictEqual(relay.receive(nowMs + 301, Relay.frame({ from: 1, repair: 0 })).length, 2)
  })
})
