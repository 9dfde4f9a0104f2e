import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import * as IvfReader from "../../src/client/files/IvfReader.ts"
import * as MediaTrack from "../../src/client/tracks/MediaTrack.ts"
import * as SimulcastTracks from "../../src/client/tracks/SimulcastTracks.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { hosts, scene, setLinks } from "../client/RelayScene.ts"
import { videoFile, videoFileOf } from "../client/Samples.ts"
import { onDisk, take } from "../client/tracks/FileCallScene.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Tools from "./Tools.ts"

const [relayHost] = Raw.relayAddress.split(":") as [string]

/** The same pictures, the smallest first. */
const samples = [videoFileOf(90), videoFileOf(180), videoFile]
const samplePictures = 300

const named = (file: Uint8Array) => ({
  name: "a sample",
  track: MediaTrack.repeated(Result.getOrThrow(MediaTrack.ofIvf(file)), 30_000)
})
const layers = Result.getOrThrow(SimulcastTracks.of(named(videoFile), samples.slice(0, 2).map(named)))

/** Which layer's a frame is, and which frame of the sample: no two are alike. */
const originOf = new Map(
  layers.flatMap(({ frames }, layer) =>
    frames
      .slice(0, samplePictures)
      .map(({ bytes }, number) => [Buffer.from(bytes).toString("hex"), { layer, number }] as const)
  )
)

const save = (context: TestContext, bytes: Uint8Array): string => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "tandem-simulcast-"))
  context.onTestFinished(() => Fs.rmSync(folder, { recursive: true }))
  const path = Path.join(folder, "recorded.ivf")
  Fs.writeFileSync(path, bytes)
  return path
}

/** Lin's recording of a call of 30 s, in virtual time, while her path becomes narrow, wide, narrower, and wide again. */
const record = Effect.fnUntraced(function* (link: Partial<LinkEmulator.LinkOptions>) {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  yield* setLinks(link)
  const carries = (rateBps: number) => {
    const narrow = { ...LinkEmulator.perfect, latencyMs: 10, rateBps, queueBytes: 30_000, ...link }
    return network.setLink(relayHost, hosts.lin, narrow)
  }
  const changes = Effect.gen(function* () {
    yield* Effect.sleep("7 seconds")
    yield* carries(400_000)
    yield* Effect.sleep("6 seconds")
    yield* carries(5_000_000)
    yield* Effect.sleep("8 seconds")
    yield* carries(130_000)
    yield* Effect.sleep("4 seconds")
    yield* carries(5_000_000)
  })
  yield* Effect.forkScoped(changes)
  const calls = [take("ada", { tracks: layers }), take("lin", { recordInto: "heard" })]
  const { files } = yield* onDisk(Effect.all(calls, { concurrency: "unbounded" }))
  return new Uint8Array(files.get("heard/ada.ivf")!)
})

/** What ffmpeg makes of each frame: a digest of its picture, in the size that it has. It stops at the first error. */
const picturesOf = (context: TestContext, path: string): ReadonlyArray<string> => {
  // Frames keep their times: after a switch one may follow another by a tick.
  const output = ["-autoscale", "0", "-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "framemd5", "-"]
  const lines = Tools.run(context, "ffmpeg", "-v", "error", "-xerror", "-i", path, ...output)
    .trim()
    .split("\n")
  return lines.filter((line) => !line.startsWith("#")).map((line) => line.slice(line.lastIndexOf(",") + 1).trim())
}

/** Every picture is the one that was sent, and none follows another that it is not built on. The layer of each. */
const check = (context: TestContext, file: Uint8Array): ReadonlyArray<number> => {
  const { frames } = Result.getOrThrow(IvfReader.read(file))
  const origins = frames.map(({ bytes }) => originOf.get(Buffer.from(bytes).toString("hex"))!)
  for (const [index, { layer, number }] of origins.entries()) {
    const before = origins[index - 1]
    if (layer === before?.layer && number === (before.number + 1) % samplePictures) continue
    // Of another layer, or after a hole.
    assert.isTrue(frames[index]!.keyFrame, `frame ${index} is number ${number} of layer ${layer}`)
  }
  const sent = samples.map((sample) => picturesOf(context, save(context, sample)))
  assert.deepStrictEqual(
    picturesOf(context, save(context, file)),
    origins.map(({ layer, number }) => sent[layer]![number]!)
  )
  return origins.map(({ layer }) => layer)
}

describe("a recording of a picture in several sizes", { timeout: 60_000 }, () => {
  it.effect("is decoded to the pictures that were sent, and changes its size with key frames alone", (context) =>
    Effect.gen(function* () {
      const file = yield* scene(92, record({}))
      const shown = check(context, file)
      const switches = shown.filter((layer, index) => index > 0 && layer !== shown[index - 1]).length
      assert.isAtLeast(switches, 4)
      assert.deepStrictEqual([...new Set(shown)].sort(), [0, 1, 2])
      assert.isAtLeast(shown.length, 0.9 * layers[0]!.frames.length)
      Tools.need(context, "gstreamer")
      const play = ["filesrc", `location=${save(context, file)}`, "!", "ivfparse", "!", "vp8dec", "!", "fakesink"]
      assert.notMatch(Tools.run(context, "gst-launch-1.0", "-q", ...play), /error|warning/i)
    })
  )

  // How often the size changes is another question: what is lost moves the estimates.
  it.effect("is decoded to the pictures that were sent where packets are lost and come late", (context) =>
    Effect.gen(function* () {
      const shown = check(context, yield* scene(4, record({ jitterMs: 3, lossRatio: 0.02 })))
      assert.isAtLeast(shown.length, 0.75 * layers[0]!.frames.length)
    })
  )
})
