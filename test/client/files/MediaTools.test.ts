import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import * as IvfWriter from "../../../src/client/files/IvfWriter.ts"
import * as OggOpusReader from "../../../src/client/files/OggOpusReader.ts"
import * as OggOpusWriter from "../../../src/client/files/OggOpusWriter.ts"
import * as Tools from "../../interop/Tools.ts"
import { concat, speech, video } from "../Samples.ts"

/** Writes a file where it is removed after the test. */
const save = (context: TestContext, name: string, bytes: Uint8Array): string => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "tandem-media-"))
  context.onTestFinished(() => Fs.rmSync(folder, { recursive: true }))
  const path = Path.join(folder, name)
  Fs.writeFileSync(path, bytes)
  return path
}

const recordingOf = (isLost: (index: number) => boolean, extraGapSamples = 0): Uint8Array => {
  const writer = OggOpusWriter.make({ serialNumber: 5, channels: 1, preSkipSamples: speech.head.preSkipSamples })
  const chunks = [OggOpusWriter.begin(writer)]
  let gapSamples = 0
  for (const [index, packet] of speech.packets.entries()) {
    if (isLost(index)) gapSamples += packet.durationSamples + extraGapSamples
    else {
      chunks.push(OggOpusWriter.append(writer, packet, gapSamples))
      gapSamples = 0
    }
  }
  return concat([...chunks, OggOpusWriter.finish(writer)])
}

/** 501 packets of 20 ms. Seconds. */
const speechSeconds = 10.02

const recordings: ReadonlyArray<readonly [name: string, file: Uint8Array, seconds: number]> = [
  ["nothing lost", recordingOf(() => false), speechSeconds],
  [
    "every seventh packet lost, and a second at once",
    recordingOf((n) => n % 7 === 2 || (n > 200 && n < 250)),
    speechSeconds
  ],
  ["the beginning lost", recordingOf((n) => n < 30), speechSeconds],
  ["gaps of 27.5 ms", recordingOf((n) => n % 100 === 50, 360), speechSeconds + 5 * 0.0075]
]

describe("players and checkers take what was written", () => {
  for (const [name, file, seconds] of recordings) {
    it(`speech, ${name}`, (context) => {
      const path = save(context, "speech.opus", file)
      assert.strictEqual(Tools.run(context, "ffmpeg", "-v", "warning", "-i", path, "-f", "null", "-"), "")
      const shown = Tools.run(
        context,
        "ffprobe",
        "-v",
        "warning",
        "-of",
        "csv=p=0",
        "-show_entries",
        "stream=codec_name,duration",
        path
      )
      assert.strictEqual(shown.trim(), `opus,${seconds.toFixed(6)}`)
    })

    it(`speech, ${name}: opusinfo`, (context) => {
      const shown = Tools.run(context, "opusinfo", save(context, "speech.opus", file))
      assert.notMatch(shown, /warning|error|gap|hole/i)
      assert.include(shown, "Logical stream 1 ended")
      // Played is what is not skipped at the beginning.
      const played = (seconds - speech.head.preSkipSamples / 48_000).toFixed(3).padStart(6, "0")
      assert.include(shown, `Playback length: 0m:${played}s`)
    })
  }

  it("video", (context) => {
    const writer = IvfWriter.make({ width: 640, height: 360, timebase: { numerator: 1, denominator: 90_000 } })
    const chunks = video.frames.map(({ bytes, time }) => IvfWriter.append(writer, { bytes, time: 3_000 * time }))
    const file = concat([IvfWriter.begin(writer), ...chunks])
    const correction = IvfWriter.finish(writer)
    file.set(correction.bytes, correction.offset)
    const path = save(context, "video.ivf", file)
    assert.strictEqual(Tools.run(context, "ffmpeg", "-v", "warning", "-i", path, "-f", "null", "-"), "")
    const entries = "stream=codec_name,width,height,nb_read_frames:packet=pts"
    const shown = Tools.run(
      context,
      "ffprobe",
      "-v",
      "warning",
      "-count_frames",
      "-of",
      "csv=p=0",
      "-show_entries",
      entries,
      path
    )
    const lines = shown.trim().split("\n")
    assert.strictEqual(lines.at(-1), "vp8,640,360,300")
    assert.deepStrictEqual(
      lines.slice(0, -1).map(Number),
      video.frames.map(({ time }) => 3_000 * time)
    )
  })
})

describe("files of other programs", () => {
  const codecs = [
    ["libvorbis", "Vorbis"],
    ["flac", "FLAC"],
    ["libspeex", "Speex"]
  ] as const
  for (const [encoder, name] of codecs) {
    it(`${name} is recognized`, (context) => {
      const path = save(context, "tone.ogg", new Uint8Array(0))
      const tone = ["-f", "lavfi", "-i", "sine=duration=0.2:sample_rate=16000", "-ac", "1"]
      Tools.run(context, "ffmpeg", "-v", "error", "-y", ...tone, "-c:a", encoder, "-f", "ogg", path)
      const error = Result.getOrThrow(Result.flip(OggOpusReader.read(new Uint8Array(Fs.readFileSync(path)))))
      assert.include(error.message, `holds ${name}, not Opus`)
    })
  }

  it("what ffmpeg makes of Opus is read", (context) => {
    const path = save(context, "tone.opus", new Uint8Array(0))
    const tone = ["-f", "lavfi", "-i", "sine=duration=2", "-ac", "2", "-c:a", "libopus", "-frame_duration", "60"]
    Tools.run(context, "ffmpeg", "-v", "error", "-y", ...tone, path)
    const { head, packets } = Result.getOrThrow(OggOpusReader.read(new Uint8Array(Fs.readFileSync(path))))
    assert.strictEqual(head.channels, 2)
    assert.isTrue(packets.every(({ durationSamples }) => durationSamples === 2_880))
    assert.isAtLeast(packets.length, 34)
  })
})
