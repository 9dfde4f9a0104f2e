import { assert, describe, it } from "@effect/vitest"
import * as AudioSource from "../../src/simulation/AudioSource.ts"
import * as EncoderTarget from "../../src/simulation/EncoderTarget.ts"
import * as Topology from "../../src/simulation/Topology.ts"

describe("EncoderTarget", () => {
  it("leaves room for the microphone and for headers", () => {
    const videoBps = EncoderTarget.videoBps(1_000_000 - EncoderTarget.audioBps(80), 30)
    // 52 to 56 bytes for each of 50 packets of audio and 4 of each frame, and what is said.
    assert.isBelow(videoBps, 1_000_000 - 50 * 132 * 8 - 4 * 30 * 50 * 8 + 1)
    assert.isAbove(videoBps, 850_000)
    assert.isBelow(EncoderTarget.videoBps(40_000 - EncoderTarget.audioBps(80), 30), 0)
  })

  it("leaves room for what is sent again, and half of the rate at most", () => {
    const target = EncoderTarget.make()
    assert.strictEqual(EncoderTarget.resentShare(target), 0)
    for (let frame = 1; frame <= 60; frame++) EncoderTarget.handleFrame(target, 9 * frame, frame)
    assert.closeTo(EncoderTarget.resentShare(target), 0.1, 0.001)
    for (let frame = 61; frame <= 400; frame++) EncoderTarget.handleFrame(target, 540, 60 + 9 * (frame - 60))
    assert.strictEqual(EncoderTarget.resentShare(target), EncoderTarget.resentShareMax)
  })

  it("makes a camera send what its leg is believed to carry, and no more than its own", () => {
    for (const videoMaxBps of [400_000, 2_500_000]) {
      const call = Topology.make({
        seed: "encoder",
        topology: { kind: "active", delaysMs: [25, 10] },
        audio: AudioSource.continuous,
        links: { "a-up": { rate: { kind: "constant", rateBps: 1_000_000 } } },
        devices: { a: { videoBps: 1, videoMaxBps }, b: { videoBps: 0 } }
      })
      Topology.runUntil(call, 10_000)
      const { estimator } = call.a.leg.send.rate!
      const roomBps = EncoderTarget.videoBps(estimator.targetBps - EncoderTarget.audioBps(80), 30)
      assert.isAbove(call.a.video.rateBps, 0.7 * Math.min(videoMaxBps, roomBps))
      assert.isAtMost(call.a.video.rateBps, videoMaxBps)
      assert.strictEqual(estimator.wantsMore, videoMaxBps > 1_000_000)
    }
  })

  it("is silent before its time, and without a picture in a pause, after which it begins with a key frame", () => {
    const call = Topology.make({
      seed: "presence",
      topology: { kind: "active", delaysMs: [25, 10] },
      audio: AudioSource.continuous,
      devices: {
        a: {
          videoBps: 1,
          videoMaxBps: 500_000,
          presence: { fromMs: 1000, untilMs: 5000, pause: { fromMs: 2000, untilMs: 3000 } }
        },
        b: { videoBps: 0 }
      }
    })
    const [audio, video] = call.a.sending
    const counts = [900, 2000, 2990, 4000, 5100, 6000].map((untilMs) => {
      Topology.runUntil(call, untilMs)
      return [audio!.packets > 0, video!.packets, call.a.video.keyFrames] as const
    })
    const [before, first, paused, second, after, later] = counts
    assert.deepStrictEqual(before, [false, 0, 0])
    assert.isAbove(first![1], 25)
    assert.deepStrictEqual(paused, first)
    assert.isAbove(second![1], first![1] + 25)
    assert.strictEqual(second![2], first![2] + 1)
    assert.deepStrictEqual(later, after)
  })
})
