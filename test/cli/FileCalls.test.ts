import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as IvfReader from "../../src/client/files/IvfReader.ts"
import * as Vp8Payload from "../../src/client/payload/Vp8Payload.ts"
import type * as CallSummary from "../../src/client/tracks/CallSummary.ts"
import * as VolumeLog from "../../src/client/tracks/VolumeLog.ts"
import { developmentKeyFile } from "../../src/server/KeyFile.ts"
import * as InProcess from "./InProcess.ts"
import * as Processes from "./Processes.ts"

const samples = Path.join(import.meta.dirname, "../../samples")
const speech = Path.join(samples, "speech.opus")
const picture = Path.join(samples, "video.ivf")
const smaller = (heightPixels: number): string => Path.join(samples, `video-${heightPixels}.ivf`)

interface Estimate {
  readonly participant: string
  readonly uplinkBps: number
  readonly downlinkBps: number | null
  readonly roundTripMs: number | null
  readonly uplinkLossRatio: number
}

/** What the call's actor knows of both legs, as soon as it knows both round trips and the way to somebody: by participant. */
const bothEstimates = async (url: string): Promise<Record<string, Estimate>> => {
  for (;;) {
    const response = await fetch(url)
    const estimates = response.ok ? ((await response.json()) as ReadonlyArray<Estimate>) : []
    const isComplete = estimates.length === 2 && estimates.every(({ roundTripMs }) => roundTripMs !== null)
    if (isComplete && estimates.some(({ downlinkBps }) => downlinkBps !== null)) {
      return Object.fromEntries(estimates.map((estimate) => [estimate.participant, estimate]))
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

// At the same time: each takes the ten seconds that the files do, and a relay of its own, whose counters are looked at.
describe.concurrent("calls of files", { timeout: 60_000 }, () => {
  it("says what could not be decrypted, and asks for the passphrase", async () => {
    const home = Processes.temporaryFolder()
    const ours = await Processes.startRelay(home)
    const heardWrongly = async (call: string, ...flags: ReadonlyArray<string>) => {
      const common = ["call", "--relay", ours.address, "--call", call]
      const [, listener] = await Promise.all([
        Processes.run(home, [...common, "--as", "ada", "--passphrase", "one", "--audio", speech, "--linger", "500"]),
        Processes.run(home, [...common, "--as", "lin", "--passphrase", "another", ...flags])
      ])
      return listener
    }
    const [told, shown] = await Promise.all([heardWrongly("told", "--json"), heardWrongly("shown")])
    assert.strictEqual(await ours.stop(), 0)
    Fs.rmSync(home, { recursive: true })
    const { received } = JSON.parse(told.stdout) as {
      readonly received: ReadonlyArray<{ frames: number; packetsUndecryptable: number }>
    }
    assert.deepStrictEqual(
      received.map(({ frames, packetsUndecryptable }) => [frames, packetsUndecryptable]),
      [[0, 501]]
    )
    assert.match(shown.stdout, /^audio of ada: 501 packets could not be decrypted: is the passphrase the same\?$/m)
  })

  it("sends a picture in three sizes, shows the one that fits, and logs volumes", async () => {
    const folder = Processes.temporaryFolder()
    const relay = await Processes.startRelay(folder)
    const inFolder = (name: string): string => Path.join(folder, name)
    const joining = ["--relay", relay.address, "--keys", inFolder(developmentKeyFile), "--call", "sizes"]
    const common = ["call", ...joining, "--passphrase", "two words", "--json"]
    const layers = [picture, "--simulcast", smaller(90), "--simulcast", smaller(180)]
    const sending = ["--audio", speech, "--video", ...layers, "--linger", "500", "--volume-log", inFolder("sent")]
    const receiving = ["--record", inFolder("heard"), "--volume-log", inFolder("received")]
    // In this process: another for each would take more of the machine than the call does.
    const [ada, lin] = await Promise.all([
      InProcess.run([...common, "--as", "ada", ...sending]),
      InProcess.run([...common, "--as", "lin", ...receiving])
    ])
    assert.strictEqual(ada.exitCode, 0, ada.stderr)
    assert.strictEqual(lin.exitCode, 0, lin.stderr)
    assert.strictEqual(await relay.stop(), 0)
    const { sent } = JSON.parse(ada.stdout) as CallSummary.CallSummary
    assert.deepStrictEqual(
      sent.map(({ heightPixels, kind }) => [kind, heightPixels]),
      [
        ["audio", null],
        ["video", 90],
        ["video", 180],
        ["video", 360]
      ]
    )
    const [audio, ...sizes] = sent.map(({ frames }) => frames)
    assert.strictEqual(audio, 501)
    // One of them is enough for one receiver, once his path is known; each begins with a key frame, of which there is one a second.
    assert.isTrue(sizes.every((frames) => frames <= 300))
    assert.isAtLeast(
      sizes.reduce((sum, frames) => sum + frames, 0),
      240
    )
    const { received } = JSON.parse(lin.stdout) as CallSummary.CallSummary
    assert.deepStrictEqual(
      received.map(({ kind, ssrc }) => [kind, ssrc]),
      sent.slice(0, 2).map(({ kind, ssrc }) => [kind, ssrc])
    )
    const { frames } = Result.getOrThrow(IvfReader.read(Fs.readFileSync(inFolder("heard/ada.ivf"))))
    const heights = frames.flatMap(({ bytes }) => Vp8Payload.keyFrameSize(bytes)?.height ?? [])
    // It begins with the smallest, until the path has been measured.
    assert.strictEqual(heights[0], 90)
    assert.isAbove(Math.max(...heights), 90)

    for (const event of ["sent", "received"] as const) {
      const volumes = Result.getOrThrow(VolumeLog.parse(Fs.readFileSync(inFolder(event), "utf8")))
      assert.isAtLeast(volumes.length, 40)
      assert.isTrue(volumes.every((record) => record.event === event && record.ssrc === sent[0]!.ssrc))
      // Nobody has decoded the file, so nobody knows how loud it is.
      assert.isTrue(volumes.every(({ levelDbov }) => levelDbov === null))
      assert.isAtLeast(
        volumes.reduce((sum, { audioMs }) => sum + audioMs, 0),
        9000
      )
    }
    Fs.rmSync(folder, { recursive: true })
  })

  it("carries a call from files to playable files, and ends cleanly at SIGTERM", async () => {
    const folder = Processes.temporaryFolder()
    const relay = await Processes.startRelay(folder)
    const common = ["--relay", relay.address, "--call", "files", "--passphrase", "two words", "--json"]
    const [ada, lin, estimates] = await Promise.all([
      Processes.run(folder, [
        "call",
        ...common,
        "--as",
        "ada",
        "--audio",
        speech,
        "--video",
        picture,
        "--linger",
        "500"
      ]),
      Processes.run(folder, ["call", ...common, "--as", "lin", "--record", "heard"]),
      bothEstimates(`${relay.http}/calls/files/estimates`)
    ])
    assert.strictEqual(ada.exitCode, 0, ada.stderr)
    assert.strictEqual(lin.exitCode, 0, lin.stderr)
    const summary = JSON.parse(lin.stdout) as {
      readonly received: ReadonlyArray<{ kind: string; frames: number }>
      readonly files: ReadonlyArray<string>
    }
    const frames = Object.fromEntries(summary.received.map(({ frames, kind }) => [kind, frames]))
    assert.deepStrictEqual(frames, { audio: 501, video: 300 })
    assert.deepStrictEqual([...summary.files].sort(), [Path.join("heard", "ada.ivf"), Path.join("heard", "ada.opus")])
    for (const path of summary.files) assert.isAbove(Fs.statSync(Path.join(folder, path)).size, 20_000)

    for (const { roundTripMs, uplinkLossRatio } of Object.values(estimates)) {
      assert.isTrue(roundTripMs !== null && roundTripMs < 1000)
      assert.isAtMost(uplinkLossRatio, 0.05)
    }
    assert.isAbove(estimates["ada"]!.uplinkBps, 10_000)
    // Who only listens sends reports, and no media; who is sent video has a measured path.
    assert.isBelow(estimates["lin"]!.uplinkBps, 10_000)
    assert.isAbove(estimates["lin"]!.downlinkBps!, 30_000)
    assert.strictEqual((await fetch(`${relay.http}/calls/files/estimates`)).status, 404)
    const health = (await (await fetch(`${relay.http}/healthz`)).json()) as { readonly status: string }
    assert.strictEqual(health.status, "ok")
    const metrics = await (await fetch(`${relay.http}/metrics`)).text()
    assert.match(metrics, /tandem_media_packets_in_total [1-9]/)
    assert.match(metrics, /tandem_dropped_total\{reason="unknownLegTag"\} 0/)
    assert.match(metrics, /tandem_receive_batches_total \d/)
    assert.strictEqual(await relay.stop(), 0)
    Fs.rmSync(folder, { recursive: true })
  })
})
