import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Path, PlatformError, Result } from "effect"
import { TestClock } from "effect/testing"
import * as IvfReader from "../../../src/client/files/IvfReader.ts"
import * as OggOpusReader from "../../../src/client/files/OggOpusReader.ts"
import * as CallRecorder from "../../../src/client/tracks/CallRecorder.ts"
import * as FrameAssembly from "../../../src/client/tracks/FrameAssembly.ts"
import * as FrameLog from "../../../src/client/tracks/FrameLog.ts"
import * as MediaTrack from "../../../src/client/tracks/MediaTrack.ts"
import * as TrackFile from "../../../src/client/tracks/TrackFile.ts"
import * as TrackPlayer from "../../../src/client/tracks/TrackPlayer.ts"
import { ParticipantId } from "../../../src/protocol/Ids.ts"
import { concat, speech, speechFile, video, videoFile } from "../Samples.ts"

const audioTrack = Result.getOrThrow(MediaTrack.ofOggOpus(speechFile))
const videoTrack = Result.getOrThrow(MediaTrack.ofIvf(videoFile))

/** The track as it is sent and received, but for the frames of which `isLost` says so, as a file. */
const recorded = (track: MediaTrack.MediaTrack, firstTimestamp: number, isLost: (frame: number) => boolean) => {
  const assembly = FrameAssembly.make()
  const file = TrackFile.make(track.codec, 1)!
  const parts: Array<Uint8Array> = []
  let sequenceNumber = 65_500
  track.frames.forEach((frame, index) => {
    const timestamp = (firstTimestamp + frame.ticks) >>> 0
    for (const packet of MediaTrack.packetize(track, frame, { index, timestamp, payloadBytesMax: 1100 })) {
      sequenceNumber = (sequenceNumber + 1) & 0xffff
      if (isLost(index)) continue
      const received = FrameAssembly.handlePacket(assembly, {
        ...packet,
        codec: track.codec,
        sequenceNumber,
        arrivedAtMs: frame.timeMs
      })
      if (received !== undefined) parts.push(file.append(received))
    }
  })
  const { correction, tail } = file.finish()
  const bytes = concat([...parts, tail])
  if (correction !== undefined) bytes.set(correction.bytes, correction.offset)
  return bytes
}

describe("media tracks", () => {
  it("knows how long the samples are", () => {
    assert.strictEqual(videoTrack.frames.length, 300)
    assert.approximately(videoTrack.durationMs, 10_000, 1)
    assert.approximately(audioTrack.durationMs, 10_020, 1)
    assert.strictEqual(audioTrack.frames[50]!.timeMs, 1000)
    assert.strictEqual(videoTrack.frames[30]!.ticks, 90_000)
  })

  it("what is recorded is what was sent, also when timestamps and numbers wrap", () => {
    const audio = Result.getOrThrow(OggOpusReader.read(recorded(audioTrack, 0xffff_f000, () => false)))
    assert.deepStrictEqual(audio.packets, speech.packets)
    const picture = Result.getOrThrow(IvfReader.read(recorded(videoTrack, 0xffff_f000, () => false)))
    assert.deepStrictEqual(
      picture.frames.map(({ bytes }) => bytes),
      video.frames.map(({ bytes }) => bytes)
    )
    assert.strictEqual(picture.header.frameCount, 300)
    assert.strictEqual(picture.frames[30]!.time, 90_000)
  })

  it("a recording keeps its length when frames are missing, and its pictures whole", () => {
    const isLost = (frame: number) => frame >= 10 && frame < 15
    const audio = Result.getOrThrow(OggOpusReader.read(recorded(audioTrack, 0, isLost)))
    const samples = audio.packets.reduce((sum, { durationSamples }) => sum + durationSamples, 0)
    assert.strictEqual(samples, 501 * 960)
    const picture = Result.getOrThrow(IvfReader.read(recorded(videoTrack, 0, isLost)))
    // Frames 10 to 14 are missing; what follows cannot be decoded before the key frame at 30.
    assert.strictEqual(picture.frames.length, 280)
    assert.strictEqual(picture.frames[10]!.time, 90_000)
    assert.isTrue(picture.frames[10]!.keyFrame)
  })

  it("a picture begins with a key frame", () => {
    const picture = Result.getOrThrow(IvfReader.read(recorded(videoTrack, 0, (frame) => frame === 0)))
    assert.strictEqual(picture.frames.length, 270)
    assert.isTrue(picture.frames[0]!.keyFrame)
  })

  it.effect("plays at the track's own speed", () =>
    Effect.gen(function* () {
      const sent: Array<number> = []
      const playing = yield* Effect.forkChild(
        TrackPlayer.play(videoTrack, {
          payloadBytesMax: 1100,
          firstTimestamp: 0xffff_ffff,
          isWanted: () => true,
          send: (packets) => Effect.sync(() => sent.push(packets[0]!.timestamp)),
          onFrame: () => {}
        })
      )
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(sent.length, 30)
      assert.deepStrictEqual(sent.slice(0, 2), [0xffff_ffff, 2999])
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(playing)
      assert.strictEqual(sent.length, 300)
    })
  )

  it.effect("what nobody wants is not sent, and goes on with the next key frame", () =>
    Effect.gen(function* () {
      const sent: Array<number> = []
      let isWanted = true
      const playing = yield* Effect.forkChild(
        TrackPlayer.play(videoTrack, {
          payloadBytesMax: 1100,
          firstTimestamp: 0,
          isWanted: () => isWanted,
          send: (packets) => Effect.sync(() => sent.push(packets[0]!.timestamp / 3000)),
          onFrame: () => {}
        })
      )
      // Of 30 frames a second each thirtieth is a key frame.
      yield* TestClock.adjust("320 millis")
      isWanted = false
      yield* TestClock.adjust("1 second")
      isWanted = true
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(playing)
      const frames = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)
      assert.deepStrictEqual(sent, [...frames(0, 10), ...frames(60, 300)])
    })
  )

  it("a frame log can be read again, and says which line cannot", () => {
    const record: FrameLog.FrameRecord = {
      event: "sent",
      participant: ParticipantId.make("ada"),
      ssrc: 0xffffffff,
      kind: "video",
      timestamp: 5,
      digest: FrameLog.digestOf(Uint8Array.of(1, 2)),
      atMs: 1.5
    }
    assert.deepStrictEqual(FrameLog.parse(FrameLog.format([record, record])), Result.succeed([record, record]))
    assert.deepStrictEqual(FrameLog.parse(`${FrameLog.format([record])}{"event":"lost"}\n`), Result.fail(2))
  })

  it.effect("a recording that cannot be finished is an error, and one that is finished is finished once", () =>
    Effect.gen(function* () {
      const written: Array<number> = []
      let isFull = false
      const full = PlatformError.systemError({ _tag: "WriteZero", module: "FileSystem", method: "writeAll" })
      const writeAll = (bytes: Uint8Array) =>
        Effect.suspend(() => {
          if (isFull) return Effect.fail(full)
          written.push(bytes.length)
          return Effect.void
        })
      const file = { [FileSystem.FileTypeId]: FileSystem.FileTypeId, writeAll } as FileSystem.File
      const disk = FileSystem.makeNoop({ makeDirectory: () => Effect.void, open: () => Effect.succeed(file) })
      const finishOne = Effect.gen(function* () {
        isFull = false
        const recorder = yield* CallRecorder.make("heard")
        const source = { participant: ParticipantId.make("ada"), ssrc: 1, codec: "opus" }
        const bytes = speech.packets[0]!.bytes
        yield* recorder.write(source, { bytes, timestamp: 0, keyFrame: true, decodable: true, arrivedAtMs: 0 })
        assert.deepStrictEqual(recorder.paths(), ["heard/ada.opus"])
        return recorder
      })
      const recording = finishOne.pipe(
        Effect.flatMap((recorder) => {
          isFull = true
          return Effect.flip(recorder.finish)
        })
      )
      const provide = <A, E>(effect: Effect.Effect<A, E, FileSystem.FileSystem | Path.Path>) =>
        effect.pipe(Effect.provideService(FileSystem.FileSystem, disk), Effect.provide(Path.layer))
      assert.strictEqual(yield* provide(Effect.scoped(recording)), full)

      written.length = 0
      yield* provide(Effect.scoped(Effect.flatMap(finishOne, ({ finish }) => finish)))
      const finished = [...written]
      written.length = 0
      yield* provide(Effect.scoped(finishOne))
      assert.deepStrictEqual(written, finished, "the end of the scope finishes too, and not twice")
    })
  )

  it("there are files for the codecs that there are readers for", () => {
    assert.isUndefined(TrackFile.make("h264", 1))
  })
})
