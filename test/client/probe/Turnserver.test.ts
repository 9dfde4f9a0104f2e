import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as Dgram from "node:dgram"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import * as Probe from "../../../src/client/probe/Probe.ts"
import type { ProbeReport } from "../../../src/client/probe/ProbeReport.ts"
import * as DatagramNetworkPortable from "../../../src/sockets/DatagramNetworkPortable.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"

/** Said once. */
let isMissingSaid = false

const needsTurnserver = (context: TestContext): void => {
  if (spawnSync("turnserver", ["--version"]).error === undefined) return
  const reason = "turnserver is not installed: apt-get install coturn"
  if (process.env["TANDEM_REQUIRE"] === "all") assert.fail(reason)
  if (!isMissingSaid) console.warn(`skipped: ${reason}`)
  isMissingSaid = true
  context.skip(reason)
}

const freePort = async (): Promise<number> => {
  const socket = Dgram.createSocket("udp4")
  socket.bind(0, "127.0.0.1")
  await once(socket, "listening")
  const { port } = socket.address()
  socket.close()
  await once(socket, "close")
  return port
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, "exit")
}

/** coturn on a loopback port, gone after the test. Its process is ours, known by its handle. */
const start = async (context: TestContext, ...args: ReadonlyArray<string>): Promise<string> => {
  needsTurnserver(context)
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "tandem-turnserver-"))
  const port = await freePort()
  const own = ["-n", "-L", "127.0.0.1", "-p", `${port}`, "--no-tls", "--no-dtls", "--no-tcp", "--no-cli"]
  const files = ["--log-file", "stdout", "--pidfile", Path.join(folder, "pid"), "--userdb", Path.join(folder, "users")]
  const child = spawn("turnserver", [...own, ...files, ...args], { stdio: "ignore" })
  context.onTestFinished(async () => {
    await end(child)
    Fs.rmSync(folder, { recursive: true })
  })
  return `127.0.0.1:${port}`
}

const probe = (server: string, count: number): Promise<ProbeReport> =>
  Effect.runPromise(
    Probe.run({
      relays: [{ name: server, address: Result.getOrThrow(PackedAddress.parse(server)) }],
      localHosts: [Result.getOrThrow(PackedAddress.fromHost("127.0.0.1", 0))],
      count,
      intervalMs: 50,
      timeoutMs: 500
    }).pipe(Effect.provide(DatagramNetworkPortable.layer))
  )

/** It takes a moment to open its port. */
const probeWhenReady = async (server: string): Promise<ProbeReport> => {
  for (let attempt = 0; attempt < 20; attempt++) {
    const report = await probe(server, 1)
    if (report.relays[0]!.answered > 0) return probe(server, 10)
  }
  return assert.fail(`turnserver at ${server} has not answered`)
}

describe("with coturn as the STUN server", { timeout: 30_000 }, () => {
  it("measures it, and sees that loopback translates nothing", async (context) => {
    const server = await start(context)
    const { localPort, nat, relays } = await probeWhenReady(server)
    const [relay] = relays
    assert.deepInclude(relay, { address: server, requests: 10, errorCode: null, isBehindNat: false })
    assert.strictEqual(relay!.mappedAddress, `127.0.0.1:${localPort}`)
    assert.isAtLeast(relay!.answered, 9, "a busy machine may lose one")
    assert.isAbove(relay!.rttMs!.min, 0)
    assert.isBelow(relay!.rttMs!.median, 50)
    assert.deepStrictEqual(nat.ipv4, { mapping: "no-nat", isPortPreserved: null })
  })

  it("reports the error of one that wants to know who asks", async (context) => {
    const server = await start(context, "-a", "-u", "ada:secret", "-r", "example.org", "--secure-stun")
    const { nat, relays } = await probeWhenReady(server)
    assert.deepInclude(relays[0], { errorCode: 401, mappedAddress: null, isBehindNat: null })
    assert.strictEqual(nat.ipv4?.mapping, "unknown-no-answer")
  })
})
