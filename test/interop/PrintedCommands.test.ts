import { assert, describe, it } from "@effect/vitest"
import type { TestContext } from "vitest"
import * as Processes from "../cli/Processes.ts"
import * as BridgedCall from "./BridgedCall.ts"
import * as Programs from "./Programs.ts"
import * as Tools from "./Tools.ts"

/** SRTP master key and salt in base64. */
const key = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e"
/** A picture of 640 by 360 in I420, which is how it was made: 12 bits a pixel. */
const pictureBytes = (640 * 360 * 12) / 8

/** The command line of a program as a bridge has printed it. */
const printed = (bridge: Programs.Program, program: string): Promise<string> =>
  bridge.line((line) => (line.trimStart().startsWith(`${program} `) ? line.trim() : undefined))

/** Runs it in a shell. */
const paste = (context: TestContext, folder: string, command: string): Programs.Program =>
  Programs.start(context, folder, ["sh", "-c", `exec ${command}`])

describe.concurrent("the commands that bridges print", { timeout: 120_000 }, () => {
  it.for([
    ["in clear", []],
    ["with SRTP", ["--srtp-key", key]]
  ] as const)("make a call when they are pasted: %s", async ([, encryption], context) => {
    Tools.need(context, "gstreamer", "gst-launch-1.0", "ffmpeg")
    const folder = BridgedCall.temporaryFolder(context)
    const relay = await Processes.startRelay(folder)
    context.onTestFinished(async () => {
      await relay.stop()
    })
    const bridge = (name: string, ...args: ReadonlyArray<string>) => {
      const call = ["--relay", relay.address, "--call", "pasted", "--as", name]
      return Programs.start(context, folder, [...Processes.tandem, "bridge", ...call, ...encryption, ...args])
    }
    const screen = bridge("screen")
    const camera = bridge("camera", "--send", "video/VP8/90000:96")
    paste(context, folder, await printed(camera, "gst-launch-1.0"))

    // There is no screen here: the pictures are counted, and thrown away.
    const player = await printed(screen, "gst-launch-1.0")
    const counting = player
      .replace("gst-launch-1.0", "gst-launch-1.0 -v")
      .replace("autovideosink", "fakesink silent=false")
    assert.notStrictEqual(counting, player)
    const gstreamer = paste(context, folder, counting)
    let pictures = 0
    await gstreamer.line((line) => (line.includes(`(${pictureBytes} bytes`) && ++pictures === 30 ? true : undefined))
    await gstreamer.stop("SIGKILL")

    // ffmpeg encrypts RTCP as well or nothing, so with a key alone there is no command for it.
    if (encryption.length > 0) return
    // ffmpeg takes what ffplay takes, and needs no window.
    const ffplay = await printed(screen, "ffplay")
    const ffmpeg = ffplay.replace("ffplay", "ffmpeg -nostdin -hide_banner")
    const { exitCode, stderr } = await paste(context, folder, `${ffmpeg} -t 1 -f null -`).ended
    assert.strictEqual(exitCode, 0, stderr)
    const [, frames] = [...stderr.matchAll(/frame= *(\d+)/g)].at(-1) ?? []
    assert.isAtLeast(Number(frames), 20, stderr)
  })
})
