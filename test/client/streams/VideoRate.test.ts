import { assert, describe, it } from "@effect/vitest"
import * as SendingStream from "../../../src/client/streams/SendingStream.ts"
import * as VideoRate from "../../../src/client/streams/VideoRate.ts"
import { opus, vp8 } from "../Scene.ts"

const secureBytes = (size: number) => new Uint8Array(size)
const scene = () => {
  const rate = VideoRate.make()
  const audio = SendingStream.make({ ...opus, ssrc: 1 }, undefined, secureBytes)
  const video = SendingStream.make({ ...vp8, ssrc: 2 }, undefined, secureBytes)
  return { rate, audio, video, sending: [audio, video], leg: { packetsSent: 0, packetsResent: 0, repairsSent: 0 } }
}

/** Of receivers nothing is known. */
const path = (pathBps: number) => ({ pathBps, receiversBps: Infinity })

describe("the rate that an application is told", () => {
  it("leaves room for audio and for headers", () => {
    const { audio, leg, rate, sending, video } = scene()
    assert.isTrue(VideoRate.handleRates(rate, path(1_000_000), sending, leg, 0))
    for (let second = 1; second <= 3; second++) {
      audio.packets += 50
      audio.payloadBytes += 50 * 80
      video.packets += 100
      video.payloadBytes += 100 * 1000
      VideoRate.handleRates(rate, path(1_000_000), sending, leg, second * 1000)
    }
    // 50 packets a second of 80 bytes and 52 of headers are 52,800 bits.
    const expected = (1_000_000 - 52_800) * (1000 / 1052)
    assert.closeTo(rate.toldBps, expected, 0.03 * expected)
  })

  it("is told when it has changed by what matters, and never as less than video needs", () => {
    const { leg, rate, sending } = scene()
    VideoRate.handleRates(rate, path(1_000_000), sending, leg, 0)
    assert.isFalse(VideoRate.handleRates(rate, path(1_010_000), sending, leg, 100))
    assert.isTrue(VideoRate.handleRates(rate, path(600_000), sending, leg, 200))
    assert.isTrue(VideoRate.handleRates(rate, path(1000), sending, leg, 300))
    assert.strictEqual(rate.toldBps, VideoRate.videoBpsMin)
  })

  it("is no more than receivers can take, and then no more is wanted of the path", () => {
    const { leg, rate, sending, video } = scene()
    const told = (receiversBps: number, atMs: number) => {
      video.packets += 100
      video.payloadBytes += 100 * 1100
      VideoRate.handleRates(rate, { pathBps: 1_000_000, receiversBps }, sending, leg, atMs)
      return rate.toldBps
    }
    const alone = told(Infinity, 0)
    told(2_000_000, 1000)
    assert.deepStrictEqual([rate.toldBps, rate.wantsMore], [alone, true])
    assert.closeTo(told(500_000, 2000), alone / 2, 1)
    assert.isFalse(rate.wantsMore)
    assert.strictEqual(told(0, 3000), VideoRate.videoBpsMin)
  })

  it("leaves room for what is sent again, and knows whether it is followed", () => {
    const { leg, rate, sending, video } = scene()
    VideoRate.handleRates(rate, path(1_000_000), sending, leg, 0)
    const send = (packets: number, resent: number, atMs: number) => {
      video.packets += packets
      video.payloadBytes += packets * 1100
      leg.packetsSent += packets
      leg.packetsResent += resent
      VideoRate.handleRates(rate, path(1_000_000), sending, leg, atMs)
    }
    const before = rate.toldBps
    send(100, 25, 1000)
    assert.closeTo(rate.toldBps, 0.8 * before, 0.03 * before)
    assert.isTrue(rate.isFollowed)
    send(20, 0, 2000)
    assert.isFalse(rate.isFollowed)
  })
})
