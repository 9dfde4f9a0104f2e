import { assert, describe, it } from "@effect/vitest"
import * as Dgram from "node:dgram"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import { afterAll, beforeAll } from "vitest"
import type { ProbeReport } from "../../src/client/probe/ProbeReport.ts"
import * as InProcess from "./InProcess.ts"
import * as Processes from "./Processes.ts"
import * as Refusals from "./Refusals.ts"

const folder = Processes.temporaryFolder()
let relay: Awaited<ReturnType<typeof Processes.startRelay>>
/** Is heard, and never answers. */
let silent: Dgram.Socket
let dead: string

const openSilent = async (): Promise<Dgram.Socket> => {
  const socket = Dgram.createSocket("udp4").bind(0, "127.0.0.1")
  await once(socket, "listening")
  return socket
}
const addressOf = (socket: Dgram.Socket): string => `127.0.0.1:${socket.address().port}`

beforeAll(async () => {
  relay = await Processes.startRelay(folder)
  silent = await openSilent()
  dead = addressOf(silent)
}, 20_000)
afterAll(async () => {
  silent.close()
  await relay.stop()
  Fs.rmSync(folder, { recursive: true })
})

const quick = ["--count", "4", "--interval", "125", "--timeout", "1000"]
const probe = (...args: ReadonlyArray<string>) => Processes.run(folder, ["probe", ...args])

const refuses = async (words: RegExp, ...args: ReadonlyArray<string>): Promise<void> =>
  Refusals.check(await InProcess.run(["probe", ...args]), 2, words)

// They wait for most of their time. Two of them ask the relay, eight times: it answers ten at once.
describe.concurrent("tandem probe", { timeout: 60_000 }, () => {
  it("prints one JSON object about one relay that answers and one that does not", async () => {
    const other = await openSilent()
    const dead = addressOf(other)
    const sources = new Set<number>()
    other.on("message", (_, { port }) => sources.add(port))
    const { exitCode, stderr, stdout } = await probe(dead, relay.address, ...quick, "--json")
    other.close()
    assert.strictEqual(exitCode, 0, stderr)
    assert.strictEqual(stderr, "")
    const report = JSON.parse(stdout) as ProbeReport
    const { localPort, relays, ...rest } = report
    assert.deepStrictEqual(rest, {
      count: 4,
      intervalMs: 125,
      timeoutMs: 1000,
      nat: { ipv4: { mapping: "no-nat", isPortPreserved: null }, ipv6: null }
    })
    assert.deepStrictEqual([...sources], [localPort], "both were asked from one port")
    const [first, second] = relays
    const { jitterMs, rttMs, ...counted } = first!
    assert.deepStrictEqual(counted, {
      name: relay.address,
      address: relay.address,
      requests: 4,
      answered: 4,
      sendFailed: 0,
      lossRatio: 0,
      mappedAddress: `127.0.0.1:${localPort}`,
      isBehindNat: false,
      errorCode: null
    })
    assert.isAbove(rttMs!.min, 0)
    assert.isAtLeast(rttMs!.median, rttMs!.min)
    assert.isAtLeast(rttMs!.max, rttMs!.p95)
    assert.isAtLeast(jitterMs!, 0)
    assert.deepStrictEqual(second, {
      name: dead,
      address: dead,
      requests: 4,
      answered: 0,
      sendFailed: 0,
      lossRatio: 1,
      rttMs: null,
      jitterMs: null,
      mappedAddress: null,
      isBehindNat: null,
      errorCode: null
    })
  })

  it("prints a table for people, with the name that was typed", async () => {
    const port = relay.address.split(":")[1]!
    const { exitCode, stderr, stdout } = await probe(`localhost:${port}`, dead, ...quick)
    assert.match(stdout, /^asking 2 relays, 4 requests each, some 1 s \.\.\.$/m)
    assert.match(stdout, /^relay +address +min +median +p95 +max +jitter +loss +mapped address$/m)
    assert.match(stdout, new RegExp(`^${dead} .* 100 % {2}no answer$`, "m"))
    const row = new RegExp(`^localhost:${port} +(\\S+):${port} `, "m").exec(stdout)
    assert.include(["127.0.0.1", "[::1]"], row?.[1])
    // Where localhost comes to ::1, nobody is there.
    assert.strictEqual(exitCode, row?.[1] === "127.0.0.1" ? 0 : 1, stderr)
  })

  it("fails when nobody answers, and says so behind the table", async () => {
    const { exitCode, stderr, stdout } = await probe(dead, ...quick)
    assert.strictEqual(exitCode, 1)
    assert.match(stdout, /no answer\n\nNAT: unknown/)
    assert.match(stderr, /^tandem: no answer from 127\.0\.0\.1:\d+: check the address, the network.*\n$/)
  })

  it("tells what cannot be sent from what is not answered", async () => {
    const { exitCode, stderr, stdout } = await probe("255.255.255.255:9", ...quick, "--json")
    assert.strictEqual(exitCode, 1)
    assert.match(stderr, /^tandem: nothing can be sent to 255\.255\.255\.255:9/)
    const report = JSON.parse(stdout) as ProbeReport
    assert.deepInclude(report.relays[0], { requests: 4, sendFailed: 4, lossRatio: 1 })
  })

  it("asks by IPv6 and IPv4 from one port", async (context) => {
    const hasIpv6 = Object.values(Os.networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"))
    if (!hasIpv6) return context.skip("this machine has no ::1")
    const other = await Processes.startRelay(folder, "--host", "::")
    const port = other.address.split(":").at(-1)!
    const { stderr, stdout } = await probe(`127.0.0.1:${port}`, `[::1]:${port}`, ...quick, "--json")
    await other.stop()
    assert.strictEqual(stderr, "")
    const report = JSON.parse(stdout) as ProbeReport
    assert.deepStrictEqual(
      new Set(report.relays.map(({ mappedAddress }) => mappedAddress)),
      new Set([`127.0.0.1:${report.localPort}`, `[::1]:${report.localPort}`])
    )
    const none = { mapping: "no-nat", isPortPreserved: null } as const
    assert.deepStrictEqual(report.nat, { ipv4: none, ipv6: none })
  })

  it("refuses bad input with one line", async () => {
    Refusals.check(await probe(), 2, /Missing required argument: HOST:PORT/)
    await Promise.all([
      refuses(/"relay" is not HOST:PORT: write relay\.example:3478/, "relay"),
      refuses(/is named twice/, dead, dead),
      refuses(/--interval.*125 and 60000/, dead, "--interval", "100"),
      refuses(/--count.*1 and 1000/, dead, "--count", "0"),
      refuses(/--timeout.*1 and 60000/, dead, "--timeout", "0"),
      refuses(/--count/, dead, "--count", "many"),
      refuses(/33 relays are too many: name at most 32/, ...Array.from({ length: 33 }, (_, i) => `127.0.0.1:${i + 1}`))
    ])
  })
})
