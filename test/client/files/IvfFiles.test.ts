import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import * as IvfReader from "../../../src/client/files/IvfReader.ts"
import * as IvfWriter from "../../../src/client/files/IvfWriter.ts"
import { bytesOf, concat, integer, sized, video, videoFile } from "../Samples.ts"

const options: IvfWriter.Options = { width: 640, height: 360, timebase: { numerator: 1, denominator: 90_000 } }

const unfinishedFileOf = (frames: ReadonlyArray<{ readonly bytes: Uint8Array; readonly time: number }>) => {
  const writer = IvfWriter.make(options)
  const file = concat([IvfWriter.begin(writer), ...frames.map((frame) => IvfWriter.append(writer, frame))])
  return { file, correction: IvfWriter.finish(writer) }
}

/** The error, which is one line. */
const refusal = (file: Uint8Array): readonly [reason: string, message: string] => {
  const { message, reason } = Result.getOrThrow(Result.flip(IvfReader.read(file)))
  assert.notInclude(message, "\n")
  assert.include(message, "ffmpeg -i INPUT")
  return [reason, message]
}

const Frames = Arbitrary.array(
  Arbitrary.all({ length: integer(0, 3_000), time: integer(0, Number.MAX_SAFE_INTEGER) }).pipe(
    Arbitrary.map(({ length, time }) => ({ bytes: bytesOf(length, time % 1000), time }))
  ),
  { maxLength: 60 }
)

describe("IvfReader and IvfWriter", () => {
  it("reads the sample", () => {
    assert.deepStrictEqual(video.header, {
      codec: "VP80",
      width: 640,
      height: 360,
      timebase: { numerator: 1, denominator: 30 },
      frameCount: 300
    })
    assert.deepStrictEqual(
      video.frames.map(({ time }) => time),
      [...video.frames.keys()]
    )
    assert.deepStrictEqual(
      video.frames.map(({ keyFrame }) => keyFrame),
      video.frames.map((_, index) => index % 30 === 0)
    )
  })

  it.prop(
    "what was written is read, finished or not",
    [Frames],
    ([frames]) => {
      const { correction, file } = unfinishedFileOf(frames)
      const unfinished = Result.getOrThrow(IvfReader.read(file))
      const { header } = unfinished
      assert.deepStrictEqual(header, { codec: "VP80", ...options, frameCount: 0 })
      assert.deepStrictEqual(
        unfinished.frames.map(({ bytes, time }) => ({ bytes: bytes.slice(), time })),
        frames
      )
      file.set(correction.bytes, correction.offset)
      const finished = Result.getOrThrow(IvfReader.read(file))
      assert.deepStrictEqual(finished, { header: { ...header, frameCount: frames.length }, frames: unfinished.frames })
    },
    sized(100)
  )

  it("a file cut short is refused, but for one cut between frames, which is read as far as it goes", () => {
    const { file } = unfinishedFileOf(video.frames.slice(0, 4))
    const ends = [32]
    for (const { bytes } of video.frames.slice(0, 4)) ends.push(ends.at(-1)! + 12 + bytes.length)
    for (let length = 1; length <= file.length; length++) {
      const cut = file.subarray(0, length)
      if (!ends.includes(length)) assert.strictEqual(refusal(cut)[0], "Truncated", `cut to ${length}`)
      else assert.strictEqual(Result.getOrThrow(IvfReader.read(cut)).frames.length, ends.indexOf(length))
    }
  })

  it("says which other codec is inside", () => {
    const withCodec = (codec: string) => {
      const file = videoFile.slice()
      file.set(new TextEncoder().encode(codec), 8)
      return refusal(file)
    }
    assert.deepStrictEqual(withCodec("VP90")[0], "OtherCodec")
    assert.include(withCodec("VP90")[1], "holds VP90, expected VP80")
    assert.include(withCodec("AV01")[1], "holds AV01, expected VP80")
    assert.include(withCodec("\x1b[2J")[1], "holds ?[2J, expected VP80")
  })

  it("says when it is no IVF file, or a damaged one", () => {
    for (const file of ["", "RIFF....AVI ", "DKIX"]) {
      assert.strictEqual(refusal(new TextEncoder().encode(file))[0], "NotThisFormat")
    }
    const damages = [
      [4, 1, /unknown version/],
      [6, 31, /wrong length/],
      [16, 0, /timebase/],
      [20, 0, /timebase/],
      [32 + 4 + 7, 1, /impossible time/]
    ] as const
    for (const [offset, byte, message] of damages) assert.match(refusal(videoFile.with(offset, byte))[1], message)
    assert.strictEqual(refusal(videoFile.with(7, 0xff).subarray(0, 200))[0], "Truncated")
  })

  it.prop(
    "arbitrary bytes never throw",
    [Schema.Uint8Array],
    ([bytes]) => {
      IvfReader.read(bytes)
      IvfReader.read(concat([videoFile.subarray(0, 32), bytes]))
    },
    sized(200)
  )
})
