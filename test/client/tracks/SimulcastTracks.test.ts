import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as MediaTrack from "../../../src/client/tracks/MediaTrack.ts"
import * as SimulcastTracks from "../../../src/client/tracks/SimulcastTracks.ts"
import { videoFile, videoFileOf } from "../Samples.ts"

const named = (name: string, file: Uint8Array): SimulcastTracks.NamedTrack => ({
  name,
  track: Result.getOrThrow(MediaTrack.ofIvf(file))
})
const high = named("video.ivf", videoFile)
const middle = named("video-180.ivf", videoFileOf(180))
const low = named("video-90.ivf", videoFileOf(90))

const problemOf = (highest: SimulcastTracks.NamedTrack, ...others: ReadonlyArray<SimulcastTracks.NamedTrack>) =>
  Result.match(SimulcastTracks.of(highest, others), { onFailure: ({ message }) => message, onSuccess: () => "none" })

const changed = (change: (track: MediaTrack.MediaTrack) => Partial<MediaTrack.MediaTrack>) => ({
  name: "changed.ivf",
  track: { ...low.track, ...change(low.track) }
})

describe("tracks as layers", () => {
  it("are one source, the lowest first, in whatever order they are named", () => {
    const layers = Result.getOrThrow(SimulcastTracks.of(high, [low, middle]))
    assert.deepStrictEqual(layers, Result.getOrThrow(SimulcastTracks.of(high, [middle, low])))
    assert.deepStrictEqual(
      layers.map(({ simulcast }) => [simulcast!.source, simulcast!.layer, simulcast!.heightPixels]),
      [
        [0, 0, 90],
        [0, 1, 180],
        [0, 2, 360]
      ]
    )
    for (const { frames } of layers) {
      assert.deepStrictEqual(
        frames.map(({ keyFrame, ticks }) => [keyFrame, ticks]),
        high.track.frames.map(({ keyFrame, ticks }) => [keyFrame, ticks])
      )
    }
  })

  it("say the most that they send in a second", () => {
    for (const { frames, simulcast } of Result.getOrThrow(SimulcastTracks.of(high, [low, middle]))) {
      // 30 frames a second.
      const seconds = frames.map((_, first) => frames.slice(first, first + 30))
      const peakBytes = Math.max(...seconds.map((some) => some.reduce((sum, { bytes }) => sum + bytes.length, 0)))
      assert.strictEqual(simulcast!.maxKbps, Math.ceil((8 * peakBytes) / 1000))
    }
  })

  it("are refused when they do not show the same pictures in falling sizes", () => {
    assert.strictEqual(problemOf(high, middle, low), "none")
    assert.match(
      problemOf(middle, high),
      /^video\.ivf is 360 pixels high and video-180\.ivf 180: each layer has to be smaller/
    )
    assert.match(problemOf(high, low, low), /^video-90\.ivf is 90 pixels high and video-90\.ivf 90/)
    const shorter = changed(({ frames }) => ({ frames: frames.slice(0, -1) }))
    assert.match(problemOf(high, shorter), /^changed\.ivf has 299 frames and video\.ivf 300/)
    const slower = changed(({ frames }) => ({
      frames: frames.map((frame) => Object.assign({}, frame, { ticks: 2 * frame.ticks, timeMs: 2 * frame.timeMs }))
    }))
    assert.match(
      problemOf(high, middle, slower),
      /^frame 2 is at 66\.7 ms in changed\.ivf and at 33\.3 ms in video-180/
    )
  })
})
