import { assert } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import * as BridgedCall from "./BridgedCall.ts"
import * as Programs from "./Programs.ts"
import * as Tools from "./Tools.ts"

/** A datagram on the loopback interface, and what tshark says of it: every field as a list of its values. */
export interface CapturedDatagram {
  readonly from: number
  readonly to: number
  readonly payload: Buffer
  readonly field: (name: Field) => ReadonlyArray<string>
}

const fields = [
  "frame.protocols",
  "udp.srcport",
  "udp.dstport",
  "udp.payload",
  "stun.type",
  "stun.type.class",
  "stun.att.type",
  "stun.att.crc32.status",
  "stun.att.ipv4",
  "stun.att.port",
  "stun.response-to",
  "_ws.malformed",
  "_ws.expert.message"
] as const
export type Field = (typeof fields)[number]

/** The kernel gathers datagrams before it hands them to dumpcap, at the latest after 250 ms. Milliseconds. */
const handOverMs = 1000

/** Captures all UDP on a loopback interface. */
export interface Capture {
  /** The command that puts a program where that interface is. */
  readonly within: ReadonlyArray<string>
  /** Ends it. What there was, with what came from or to this port taken for STUN. */
  readonly end: (stunPort: number) => Promise<ReadonlyArray<CapturedDatagram>>
}

/** Begins on an interface with nobody else's traffic, or else on the machine's. Skips the test where neither is allowed. */
export const begin = async (context: TestContext): Promise<Capture> => {
  Tools.need(context, "tshark")
  const within = (await enterNamespace(context)) ?? []
  const folder = BridgedCall.temporaryFolder(context)
  const file = Path.join(folder, "call.pcapng")
  const dumpcap = Programs.start(context, folder, ["dumpcap", "-q", "-i", "lo", "-f", "udp", "-w", file], within)
  await dumpcap
    .line((line) => (line.startsWith("File:") ? true : undefined))
    .catch((error: unknown) => Tools.skip(context, `nothing may be captured here: ${String(error)}`))
  return {
    within,
    end: async (stunPort) => {
      await new Promise((resolve) => setTimeout(resolve, handOverMs))
      const { stderr } = await dumpcap.stop("SIGINT")
      assert.match(stderr, /received\/dropped on interface .*: \d+\/0 /, "the capture has holes")
      return read(file, stunPort)
    }
  }
}

/** A command that puts a program into a new network namespace, where it is root even if the test is not. */
const enterNamespace = async (context: TestContext): Promise<ReadonlyArray<string> | undefined> => {
  const child = spawn("unshare", ["-rn", "sh", "-c", "ip link set lo up && echo up && exec sleep 600"], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  child.on("error", () => {})
  if (child.pid === undefined) return undefined
  const isUp = Programs.follow(context, "unshare", child).line((line) => (line === "up" ? true : undefined))
  const within = ["nsenter", `--target=${child.pid}`, "--user", "--net", "--preserve-credentials", "--"]
  return isUp.then(
    () => within,
    () => undefined
  )
}

const read = (file: string, stunPort: number): ReadonlyArray<CapturedDatagram> => {
  const shown = fields.flatMap((field) => ["-e", field])
  const args = ["-r", file, "-d", `udp.port==${stunPort},stun`, "-T", "json", ...shown]
  const { status, stderr, stdout } = spawnSync("tshark", args, { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 })
  assert.strictEqual(status, 0, stderr)
  const frames = JSON.parse(stdout) as ReadonlyArray<{
    readonly _source: { readonly layers: Partial<Record<Field, ReadonlyArray<string>>> }
  }>
  return frames.map(({ _source: { layers } }) => ({
    from: Number(layers["udp.srcport"]?.[0]),
    to: Number(layers["udp.dstport"]?.[0]),
    payload: Buffer.from(layers["udp.payload"]?.[0] ?? "", "hex"),
    field: (name) => layers[name] ?? []
  }))
}
