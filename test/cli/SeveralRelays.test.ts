import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import * as FleetDevice from "./FleetDevice.ts"
import * as Processes from "./Processes.ts"

interface Status {
  readonly relays: ReadonlyArray<{ readonly relay: string; readonly state: string; readonly participants: number }>
  readonly nodes: ReadonlyArray<{ readonly shards: number }>
}

const inFolder = async (test: (folder: string) => Promise<void>): Promise<void> => {
  const folder = Processes.temporaryFolder()
  await test(folder)
  Fs.rmSync(folder, { recursive: true })
}

const status = async (folder: string): Promise<Status> => {
  const { stderr, stdout } = await Processes.run(folder, ["cluster", "status", "--json"])
  assert.strictEqual(stderr, "")
  return JSON.parse(stdout) as Status
}

const statusCodeOf = async (url: string): Promise<number> => (await fetch(url)).status

/** One line on stderr that says so, and the exit code. */
const refuses = async (folder: string, args: ReadonlyArray<string>, exitCode: number, words: RegExp) => {
  const ended = await Processes.run(folder, args)
  assert.strictEqual(ended.exitCode, exitCode, ended.stderr)
  assert.match(ended.stderr.trim().split("\n").at(-1)!, words)
  return ended
}

// They wait for most of their time.
describe.concurrent("several relays on one machine", { timeout: 90_000 }, () => {
  it("are one cluster, in which one is drained and all are stopped", () =>
    inFolder(async (folder) => {
      const fleet = await Processes.startRelays(folder, 2)
      const [first, second] = fleet.relays as [Processes.RelayOfSeveral, Processes.RelayOfSeveral]
      assert.deepStrictEqual([first.relay, second.relay], ["relay-1", "relay-2"])
      const cluster = [
        "--cluster",
        "sqlite:.tandem/cluster.db",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--admin-port",
        "0"
      ]
      const keys = Path.join(folder, "other.json")
      Fs.writeFileSync(
        keys,
        JSON.stringify({ keys: [{ id: "other", secret: "A".repeat(43), createdAt: "2031-05-09" }] })
      )
      const [before, table] = await Promise.all([
        status(folder),
        Processes.run(folder, ["cluster", "status"]),
        refuses(folder, ["cluster", "drain", "relay-3"], 2, /no relay is called relay-3: there are relay-1, relay-2/),
        refuses(
          folder,
          ["run", ...cluster, "--relay-id", "relay-1"],
          1,
          /a relay called relay-1 is already running at 127/
        ),
        refuses(
          folder,
          ["run", ...cluster, "--relay-id", "relay-3", "--keys", keys],
          1,
          /no fleet key in common with relay-[12]: give both the same key file/
        )
      ])
      assert.deepStrictEqual(
        before.relays.map(({ relay, state }) => [relay, state]),
        [
          ["relay-1", "ready"],
          ["relay-2", "ready"]
        ]
      )
      // Shards go from node to node for a while after one has come.
      assert.isAbove(
        before.nodes.reduce((sum, { shards }) => sum + shards, 0),
        0
      )
      assert.match(
        table.stdout,
        /^relay +address +participants +state +seen +node\nrelay-1 +127\.0\.0\.1:\d+ +0 +ready/,
        table.stderr
      )

      const device = await FleetDevice.join(folder, first.address, "call", "ada")
      assert.strictEqual(await statusCodeOf(`${first.http}/readyz`), 200)
      const drained = await Processes.run(folder, ["cluster", "drain", "relay-1"])
      assert.strictEqual(drained.exitCode, 0, drained.stderr)
      assert.match(drained.stdout, /relay-1 has gone\n$/)
      assert.deepStrictEqual(device.ways(), [`Connected ${first.address}`, `Resumed ${second.address}`])
      await Processes.until(() => !Processes.isRunning(first.pid))
      assert.deepStrictEqual(
        (await status(folder)).relays.map(({ participants, relay }) => [relay, participants]),
        [["relay-2", 1]]
      )
      await device.close()
      const { exitCode, tookMs } = await fleet.stop()
      assert.strictEqual(exitCode, 0)
      assert.isBelow(tookMs, 6000)
      assert.isFalse(Processes.isRunning(second.pid))
    }))

  it("a relay that dies is started again; when whoever has started them is killed, they stop", () =>
    inFolder(async (folder) => {
      const fleet = await Processes.startRelays(folder, 2)
      const [first, second] = fleet.relays as [Processes.RelayOfSeveral, Processes.RelayOfSeveral]
      process.kill(second.pid, "SIGKILL")
      await Processes.until(() => fleet.log.some((line) => line.includes("relay-2 is back on UDP")))
      assert.isTrue(
        fleet.log.some((line) => line.includes("relay-2 has died (it was killed): it is started again in 500ms"))
      )
      assert.strictEqual(await statusCodeOf(`${first.http}/readyz`), 200)
      await fleet.stop("SIGKILL")
      await Processes.until(() => !Processes.isRunning(first.pid))
      await Processes.until(async () => (await status(folder)).relays.length === 0)
    }))

  it("stop together when one cannot be started, and say why", () =>
    inFolder(async (folder) => {
      const other = await Processes.startRelay(folder)
      const port = Number(other.address.split(":")[1]) - 1
      const flags = ["--host", "127.0.0.1", "--port", String(port), "--admin-port", "0"]
      const words = /^tandem: relay-[12] did not start: UDP port \d+ .* is in use/
      const { stdout } = await refuses(folder, ["run", "--processes", "2", ...flags], 1, words)
      assert.strictEqual(stdout, "")
      await other.stop()
    }))
})

describe.concurrent("a relay that is told to stop", { timeout: 60_000 }, () => {
  it("is not ready any more, serves who is there, and ends at once when it is told twice", () =>
    inFolder(async (folder) => {
      const env = { TANDEM_OTHER_RELAYS: "127.0.0.1:1" }
      const flags = ["--host", "127.0.0.1", "--port", "0", "--admin-port", "0"]
      const child = Processes.start(folder, ["run", "--json", ...flags], env)
      const [line] = (await once(createInterface(child.stdout!), "line")) as [string]
      const { address, http } = JSON.parse(line) as { readonly address: string; readonly http: string }
      const device = await FleetDevice.join(folder, address, "call", "ada")
      assert.deepStrictEqual(await (await fetch(`${http}/readyz`)).json(), { status: "ready" })
      child.kill("SIGTERM")
      await Processes.until(async () => (await statusCodeOf(`${http}/readyz`)) === 503)
      assert.strictEqual(await statusCodeOf(`${http}/healthz`), 200)
      // Sooner it would be the same Ctrl-C, from somebody else.
      await new Promise((resume) => setTimeout(resume, 600))
      assert.isNull(child.exitCode)
      const askedAtMs = performance.now()
      child.kill("SIGTERM")
      await once(child, "exit")
      assert.strictEqual(child.exitCode, 1)
      assert.isBelow(performance.now() - askedAtMs, 2000)
      await device.close()
    }))
})
