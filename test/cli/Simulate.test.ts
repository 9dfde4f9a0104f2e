import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll } from "vitest"
import * as GeneratedTrace from "../../src/simulation/GeneratedTrace.ts"
import type * as NewYear from "../../src/simulation/newyear/NewYear.ts"
import type { Claim } from "../../src/simulation/published/Claim.ts"
import * as RateTrace from "../../src/simulation/RateTrace.ts"
import type { ScenarioReport } from "../../src/simulation/ScenarioReport.ts"
import * as InProcess from "./InProcess.ts"
import * as Processes from "./Processes.ts"
import * as Refusals from "./Refusals.ts"

const folder = Processes.temporaryFolder()
afterAll(() => Fs.rmSync(folder, { recursive: true }))

const simulate = (...args: ReadonlyArray<string>) => InProcess.run(["simulate", ...args])

const refuses = async (words: RegExp, ...args: ReadonlyArray<string>): Promise<void> =>
  Refusals.check(await simulate(...args), 2, words)

const file = (name: string, text: string): string => {
  const path = Path.join(folder, name)
  Fs.writeFileSync(path, text)
  return path
}

describe("tandem simulate", { timeout: 60_000 }, () => {
  it("prints one JSON object, the same for the same seed", async () => {
    const { exitCode, stderr, stdout } = await simulate("steady", "--seed", "7", "--json")
    assert.deepStrictEqual([exitCode, stderr], [0, ""])
    assert.strictEqual((await simulate("steady", "--seed", "7", "--json")).stdout, stdout)
    const report = JSON.parse(stdout) as ScenarioReport
    assert.deepStrictEqual([report.scenario, report.seed, report.durationMs], ["steady", "7", 60_000])
    assert.strictEqual(report.bottlenecks[0]!.capacityBps.length, 600)
    assert.isAbove(report.summary.bottlenecks[0]!.utilisation, 0.8)
  })

  it("writes a page with plots and the same figures", async () => {
    const path = Path.join(folder, "drop.html")
    const { exitCode, stderr, stdout } = await simulate("drop", "--html", path)
    assert.strictEqual(exitCode, 0, stderr)
    assert.match(stdout, /forward, 30 s: from 2\.50 to 0\.60 Mbit\/s, sends less than that after \d/)
    const page = Fs.readFileSync(path, "utf8")
    const used = /^forward +([\d.]+ %)/m.exec(stdout)![1]!
    assert.include(page, `<td>forward</td><td>${used}</td>`)
    for (const text of ["<svg", "capacity", "estimate", "queue delay, ms", "repaired"]) assert.include(page, text)
    assert.notMatch(page, /NaN|<script|<link|src=/)
  })

  it("runs over a trace", async () => {
    const trace = GeneratedTrace.generate({ ...GeneratedTrace.lte, lengthMs: 20_000 }, "1", "cell")
    const path = file("cell.trace", RateTrace.format(trace))
    const { exitCode, stderr, stdout } = await simulate("trace", "--trace", path, "--json")
    assert.strictEqual(exitCode, 0, stderr)
    const { bottlenecks } = JSON.parse(stdout) as ScenarioReport
    const second = bottlenecks[0]!.capacityBps.slice(100, 110).reduce((sum, bps) => sum + bps / 10, 0)
    assert.closeTo(second, RateTrace.capacityBps(trace, 10_000, 11_000), 10)
  })

  it("lists what there is", async () => {
    const { exitCode, stdout } = await simulate("list")
    assert.strictEqual(exitCode, 0)
    assert.match(stdout, /^rfc8867-5\.1 +RFC 8867 5\.1: variable/m)
    const { stdout: json } = await simulate("list", "--json")
    const { scenarios } = JSON.parse(json) as { scenarios: ReadonlyArray<{ name: string }> }
    assert.includeMembers(
      scenarios.map(({ name }) => name),
      ["steady", "drop", "trace", "rfc8867-5.8"]
    )
  })

  it("measures the published figures anew", async () => {
    const { exitCode, stderr, stdout } = await simulate("published-repair", "--seeds", "2", "--json")
    assert.strictEqual(exitCode, 0, stderr)
    const { claims } = JSON.parse(stdout) as { claims: ReadonlyArray<Claim> }
    assert.deepStrictEqual([...new Set(claims.map(({ expected }) => expected))], [-50, -80])
    for (const { ci95, measured } of claims) assert.isTrue(ci95[0] <= measured && measured <= ci95[1])
  })

  it("spends New Year's Eve with a throttle, or without", async () => {
    const args = ["newyear", "--hours", "1", "--relays", "1"]
    const { exitCode, stderr, stdout } = await simulate(...args)
    assert.strictEqual(exitCode, 0, stderr)
    assert.match(stdout, /^midnight +one-to-one-audio +\d+ +\d+ +\d+ +0 /m)
    assert.match(stdout, /^new-one-to-one-audio( +\d+){2} +[\d.]+ s +[\d.]+ s$/m)
    const off = await simulate(...args, "--throttle", "off", "--json")
    const { phases, relays, throttle } = JSON.parse(off.stdout) as NewYear.Report
    assert.deepStrictEqual([relays, throttle], [1, "off"])
    assert.isAbove(phases.find(({ phase }) => phase === "midnight")!.ongoingDropped, 1000)
  })

  it("refuses what it cannot run, in one line", async () => {
    await refuses(/no scenario "nope": "tandem simulate list" shows all/, "nope")
    await refuses(/cannot be read: --trace takes a file in Mahimahi's format/, "trace", "--trace", "/nowhere/cell")
    await refuses(/line 2: "x" is no whole number of milliseconds/, "trace", "--trace", file("bad", "1\nx\n"))
    await refuses(/its last line is its length/, "trace", "--trace", file("empty", ""))
    await refuses(/--trace is for the scenario "trace"/, "steady", "--trace", file("good", "1\n"))
    await refuses(/--seeds is for "published"/, "steady", "--seeds", "3")
    await refuses(/--hours is for the scenario "newyear"/, "steady", "--hours", "3")
    await refuses(/--throttle/, "newyear", "--throttle", "on")
    await refuses(/--html is for a scenario/, "newyear", "--html", "/nowhere/page.html")
    await refuses(/--html is for a scenario/, "list", "--html", "/nowhere/page.html")
    await refuses(/--seed/, "steady", "--seed", "x")
    await refuses(/--seeds/, "published", "--seeds", "1")
    Refusals.check(await simulate("steady", "--html", "/nowhere/page.html"), 1, /page\.html cannot be written/)
  })
})
