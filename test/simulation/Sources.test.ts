import { assert, describe, it } from "@effect/vitest"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as AudioSource from "../../src/simulation/AudioSource.ts"
import * as VideoSource from "../../src/simulation/VideoSource.ts"

describe("AudioSource", () => {
  it("talks as long and is silent as long as people are", () => {
    const source = AudioSource.make(AudioSource.conversation, "1", "a audio")
    let talking = 0
    let sent = 0
    let onsets = 0
    const frames = 200_000
    for (let i = 0; i < frames; i++) {
      if (AudioSource.next(source)) sent++
      if (source.isTalking) talking++
      if (source.isOnset) onsets++
    }
    assert.closeTo(talking / frames, 1004 / (1004 + 1587), 0.02)
    assert.closeTo(onsets, (frames * 20) / (1004 + 1587), 150)
    // One in silence for each 400 ms, the first at its beginning.
    assert.isBelow(sent - talking, (frames - talking) / 10)
    assert.isAbove(sent - talking, (frames - talking) / 20)
  })

  it("sends each frame where nothing is left out", () => {
    const source = AudioSource.make(AudioSource.continuous, "1", "a audio")
    for (let i = 0; i < 1000; i++) assert.isTrue(AudioSource.next(source))
    assert.strictEqual(source.timestamp, 999 * 960)
  })
})

describe("VideoSource", () => {
  const run = (source: VideoSource.VideoSource, frames: number) => {
    let bytes = 0
    for (let i = 0; i < frames; i++) {
      VideoSource.next(source)
      bytes += source.frameBytes
    }
    return (bytes * 8 * source.framesPerSecond) / frames
  }

  it("follows the rate that is set, key frames included", () => {
    const source = VideoSource.make({ rateBps: 1_000_000 }, "1", "a video")
    assert.closeTo(run(source, 300) / 1e6, 1, 0.03)
    source.rateBps = 300_000
    assert.closeTo(run(source, 300) / 3e5, 1, 0.03)
    VideoSource.requestKeyFrame(source)
    assert.closeTo(run(source, 300) / 3e5, 1, 0.03)
    assert.strictEqual(source.keyFrames, 2)
  })

  it("cuts frames into packets and says what each of them is", () => {
    const source = VideoSource.make({ rateBps: 1_000_000 }, "1", "a video")
    const frame = () => {
      VideoSource.next(source)
      return Array.from({ length: source.packets }, (_, packet) => VideoSource.descriptorOf(source, packet))
    }
    const key = frame()
    assert.isAbove(key.length, 10)
    assert.isTrue(HopFrame.startsKeyFrame(key[0]!))
    assert.strictEqual(key.at(-1)! & HopFrame.endOfFrameFlag, HopFrame.endOfFrameFlag)
    const total = key.reduce((sum, _, packet) => sum + VideoSource.payloadBytesOf(source, packet), 0)
    assert.strictEqual(total, run(VideoSource.make({ rateBps: 1_000_000 }, "1", "a video"), 1) / 240)
    const layers = Array.from({ length: 4 }, () => frame()[0]! & 0x1f)
    assert.deepStrictEqual(layers, [0x19, 0, 0x19, 0])
  })
})
