import { assert } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { it, type TestContext } from "vitest"
import { postgresProgram } from "../servers/Programs.ts"

/** A program of others: how to see that it is there, and the Debian packages that bring it. */
interface Tool {
  readonly check: readonly [program: string, ...args: ReadonlyArray<string>]
  readonly packages: string
}

/** Debian's own: GStreamer's Python modules are installed for it, not for another that comes first in PATH. */
export const python = "/usr/bin/python3"

const gstreamerElements = ["rtpbin", "srtpenc", "srtpdec", "vp8enc", "vp8dec", "rtpvp8pay", "rtpvp8depay"]
const gstreamerCheck = `
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
for name in "${gstreamerElements.join(" ")}".split(): assert Gst.ElementFactory.find(name), name`

const tools = {
  ffmpeg: { check: ["ffmpeg", "-version"], packages: "ffmpeg" },
  ffprobe: { check: ["ffprobe", "-version"], packages: "ffmpeg" },
  gstreamer: {
    check: [python, "-c", gstreamerCheck],
    packages:
      "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad python3-gst-1.0"
  },
  "gst-launch-1.0": { check: ["gst-launch-1.0", "--version"], packages: "gstreamer1.0-tools" },
  postgres: { check: [postgresProgram("postgres"), "--version"], packages: "postgresql" },
  "redis-server": { check: ["redis-server", "--version"], packages: "redis-server" },
  opusinfo: { check: ["opusinfo", "--version"], packages: "opus-tools" },
  tshark: { check: ["tshark", "--version"], packages: "tshark" },
  turnutils_stunclient: { check: ["turnutils_stunclient", "-h"], packages: "coturn" }
} as const satisfies Record<string, Tool>

export type ToolName = keyof typeof tools

/** Skips the test for a reason that is printed once, or fails it where everything is required. */
export const skip = (context: TestContext, reason: string): never => {
  if (process.env["TANDEM_REQUIRE"] === "all") assert.fail(reason)
  if (!reasonsSaid.has(reason)) console.warn(`skipped: ${reason}`)
  reasonsSaid.add(reason)
  return context.skip(reason)
}
const reasonsSaid = new Set<string>()

/** Skips the test, or fails it where everything is required, when one of the tools is missing. */
export const need = (context: TestContext, ...names: ReadonlyArray<ToolName>): void => {
  for (const name of names) {
    if (!isInstalled(name)) skip(context, `${name} is not installed: apt-get install ${tools[name].packages}`)
  }
}

/** Defines tests that need these tools; where one is missing, one test in their place that says so. */
export const needAll = (names: ReadonlyArray<ToolName>, define: () => void): void => {
  if (names.every(isInstalled)) define()
  else it(`needs ${names.join(" and ")}`, (context) => need(context, ...names))
}

const found = new Map<ToolName, boolean>()

const isInstalled = (name: ToolName): boolean => {
  const known = found.get(name)
  if (known !== undefined) return known
  const [program, ...args] = tools[name].check
  const { error, status } = spawnSync(program, args, { stdio: "ignore" })
  // Only Python's exit code says more than that there is a program of this name.
  const isThere = error === undefined && (program !== python || status === 0)
  found.set(name, isThere)
  return isThere
}

/** Runs a tool to its end. What it says on both its outputs. */
export const run = (context: TestContext, name: ToolName, ...args: ReadonlyArray<string>): string => {
  need(context, name)
  const { status, stderr, stdout } = spawnSync(name, args, { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 })
  assert.strictEqual(status, 0, stderr)
  return stdout + stderr
}
