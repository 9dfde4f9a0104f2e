import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as CallClient from "../../../src/client/CallClient.ts"
import * as FrameLog from "../../../src/client/tracks/FrameLog.ts"
import * as MediaTrack from "../../../src/client/tracks/MediaTrack.ts"
import * as SimulcastTracks from "../../../src/client/tracks/SimulcastTracks.ts"
import * as VolumeLog from "../../../src/client/tracks/VolumeLog.ts"
import { scene } from "../RelayScene.ts"
import { speechFile, videoFile, videoFileOf } from "../Samples.ts"
import { onDisk, optionsOf, take } from "./FileCallScene.ts"

const audio = Result.getOrThrow(MediaTrack.ofOggOpus(speechFile))
const named = (file: Uint8Array) => ({ name: "a sample", track: Result.getOrThrow(MediaTrack.ofIvf(file)) })
const layers = Result.getOrThrow(SimulcastTracks.of(named(videoFile), [named(videoFileOf(90))]))

/** Loud from 4 s to 6 s. */
const talk: MediaTrack.MediaTrack = {
  ...audio,
  frames: audio.frames.map((frame) =>
    Object.assign({}, frame, { audioLevel: frame.timeMs >= 4000 && frame.timeMs < 6000 ? 0x80 | 25 : 70 })
  )
}

describe("calls of files, in virtual time", () => {
  it.effect("video that nobody wants is not sent, and goes on with a key frame in all sizes", () =>
    Effect.gen(function* () {
      const watch = Effect.gen(function* () {
        const lin = yield* CallClient.join({ ...(yield* optionsOf("lin")), streams: [] })
        yield* Effect.sleep("2500 millis")
        yield* lin.subscribe([])
        yield* Effect.sleep("3 seconds")
        yield* lin.subscribe("everything")
        yield* Effect.sleep("6 seconds")
      })
      const call = Effect.gen(function* () {
        const all = [take("ada", { tracks: layers, frameLog: "frames" }), watch]
        return yield* onDisk(Effect.all(all, { concurrency: "unbounded" }))
      })
      const { textOf } = yield* scene(93, call)
      const frames = Result.getOrThrow(FrameLog.parse(textOf("frames")))
      const bySize = Map.groupBy(frames, ({ ssrc }) => ssrc)
      assert.strictEqual(bySize.size, 2)
      const first = frames[0]!.timestamp
      const numbersOf = (some: typeof frames) => some.map(({ timestamp }) => ((timestamp - first) >>> 0) / 3000)
      const holesIn = (numbers: ReadonlyArray<number>) =>
        numbers.flatMap((number, index) =>
          index > 0 && number > numbers[index - 1]! + 1 ? [[numbers[index - 1]!, number] as const] : []
        )
      // Each size goes on with a key frame: of 30 frames each first is one.
      for (const some of bySize.values()) {
        for (const [, next] of holesIn(numbersOf(some))) assert.strictEqual(next % 30, 0)
      }
      const sent = [...new Set(numbersOf(frames))].sort((a, b) => a - b)
      // One more may be where the size that is sent is another now, until its next key frame.
      const long = holesIn(sent).filter(([last, next]) => next - last > 60)
      assert.strictEqual(long.length, 1)
      assert.isTrue(holesIn(sent).every(([last, next]) => next - last <= 30 || next - last > 60))
      assert.strictEqual(sent.at(-1), 299)
    })
  )

  it.effect("volumes are logged as they are said, by who sends and by who receives", () =>
    Effect.gen(function* () {
      const calls = Effect.all(
        [take("ada", { tracks: [talk, ...layers], volumeLog: "sent" }), take("lin", { volumeLog: "received" })],
        { concurrency: "unbounded" }
      )
      const { result, textOf } = yield* scene(94, onDisk(calls))
      for (const event of ["sent", "received"] as const) {
        const volumes = Result.getOrThrow(VolumeLog.parse(textOf(event)))
        const levels = volumes.filter(({ audioMs }) => audioMs > 0).map(({ levelDbov }) => levelDbov)
        assert.deepStrictEqual([...new Set(levels)].sort(), [-25, -70])
        assert.approximately(levels.filter((level) => level === -25).length, 10, 1)
        assert.approximately(
          volumes.reduce((sum, { audioMs }) => sum + audioMs, 0),
          10_020,
          400
        )
        assert.isTrue(volumes.every((record, n) => n === 0 || record.atMs - volumes[n - 1]!.atMs === 200))
      }
      // All sizes of a picture are one to who receives it, by the name of the smallest.
      const [ada, lin] = result
      assert.deepStrictEqual(
        ada.sent.map(({ heightPixels, kind }) => [kind, heightPixels]),
        [
          ["audio", null],
          ["video", 90],
          ["video", 360]
        ]
      )
      assert.deepStrictEqual(
        lin.received.map(({ kind, ssrc }) => [kind, ssrc]),
        ada.sent.slice(0, 2).map(({ kind, ssrc }) => [kind, ssrc])
      )
    })
  )
})
