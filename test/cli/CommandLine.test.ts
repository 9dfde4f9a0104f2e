import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll } from "vitest"
import * as Processes from "./Processes.ts"

const samples = Path.join(import.meta.dirname, "../../samples")
const speech = Path.join(samples, "speech.opus")
const picture = Path.join(samples, "video.ivf")
const folder = Processes.temporaryFolder()
let relay: Awaited<ReturnType<typeof Processes.startRelay>>

beforeAll(async () => {
  relay = await Processes.startRelay(folder)
}, 20_000)
afterAll(async () => {
  await relay.stop()
  Fs.rmSync(folder, { recursive: true })
})

const file = (name: string, bytes: Uint8Array): string => {
  const path = Path.join(folder, name)
  Fs.writeFileSync(path, bytes)
  return path
}

/** One line on stderr, nothing on stdout, this exit code, and words that say what is wrong and what to do. */
const refuses = async (
  args: ReadonlyArray<string>,
  exitCode: number,
  words: RegExp,
  env?: Record<string, string>
): Promise<void> => {
  const ended = await Processes.run(folder, args, env)
  assert.strictEqual(ended.exitCode, exitCode, ended.stderr)
  assert.strictEqual(ended.stdout, "")
  assert.match(ended.stderr, words)
  assert.strictEqual(ended.stderr.trim().split("\n").length, 1, ended.stderr)
}

const joining = () => ["call", "--relay", relay.address, "--call", "c", "--as", "ada", "--passphrase", "x"]

describe("command line", { timeout: 60_000 }, () => {
  it("refuses bad flags and settings with one line and exit code 2", async () => {
    await Promise.all([
      refuses(["run", "--port", "70000"], 2, /--port 70000 is not a port: use 0 to 65535/),
      refuses(["run", "--impair", "loss=2"], 2, /loss must be a share from 0 to 1/),
      refuses(["run", "--keys", "nowhere.json"], 2, /no key file at .*nowhere\.json/),
      refuses(["run", "--keys", file("bad.json", Buffer.from("{}"))], 2, /the key file is wrong at keys/)
    ])
    await Promise.all([
      refuses(["run", "--prot", "1"], 2, /--prot.*see tandem run --help/),
      refuses(["token", "--call", "c"], 2, /--as/),
      refuses(["call", "--call", "c"], 2, /--token TOKEN, or --call CALL and --as NAME/)
    ])
  })

  it("refuses several relays that cannot be", async () => {
    await Promise.all([
      refuses(["run", "--processes", "0"], 2, /--processes 0: use a number from 1 to 256, or auto/),
      refuses(["run"], 2, /--processes many: use a number/, { TANDEM_PROCESSES: "many" }),
      refuses(["run", "--processes", "2", "--port", "65535"], 2, /--port 65535 has no 2 ports from there: use a lower/),
      refuses(
        ["cluster", "status"],
        1,
        /there is no \.tandem\/cluster\.db: name the database of a cluster with --cluster/
      )
    ])
  })

  it("refuses state that it cannot keep or reach, and repeats no password", async () => {
    const words = (text: string) => new RegExp(`^(?!.*secret)tandem: .*${text.replaceAll(/[.()|]/g, "\\$&")}`)
    const unknown = words('the state (--state or TANDEM_STATE) cannot be in "mysql": use memory, sqlite:FILE')
    await Promise.all([
      refuses(["run", "--state", "mysql://ada:secret@127.0.0.1/calls"], 2, unknown),
      refuses(["run"], 2, unknown, { TANDEM_STATE: "mysql://ada:secret@127.0.0.1/calls" }),
      refuses(["run", "--state", "redis://:secret@127.0.0.1/calls"], 2, words("has a URL that cannot be read")),
      refuses(["run", "--state", `sqlite:${picture}`], 1, words("video.ivf cannot be opened (file is not a database)"))
    ])
    const unreachable = (url: string) =>
      words(`${url} cannot be opened (connect ECONNREFUSED 127.0.0.1:1): see that it runs`)
    await Promise.all([
      refuses(
        ["run", "--state", "postgres://ada:secret@127.0.0.1:1/calls"],
        1,
        unreachable("postgres://127.0.0.1:1/calls")
      ),
      refuses(["run", "--state", "redis://ada:secret@127.0.0.1:1/0"], 1, unreachable("redis://127.0.0.1:1/0"))
    ])
  })

  it("refuses numbers of a call that are out of bounds", async () => {
    await Promise.all([
      refuses([...joining().slice(0, -1), ""], 2, /--passphrase is empty: give the one/),
      refuses([...joining(), "--wait-for", "50"], 2, /--wait-for.*0 and 49/),
      refuses([...joining(), "--wait-for=-1"], 2, /--wait-for.*0 and 49/),
      refuses([...joining(), "--start-after", "60001"], 2, /--start-after.*0 and 60000/),
      refuses([...joining(), "--linger=-1"], 2, /--linger.*0 and 60000/),
      refuses([...joining(), "--playout-delay", "60001"], 2, /--playout-delay.*0 and 60000/)
    ])
  })

  it("names the variable that is wrong, and what it may be", async () => {
    const relays = (count: number) => Array.from({ length: count }, (_, i) => `203.0.113.${i}:3478`).join()
    const wrong = (name: string, value: string, words: RegExp) => refuses(["run"], 2, words, { [name]: value })
    await Promise.all([
      wrong("TANDEM_PORT", "abc", /^tandem: TANDEM_PORT must be a port: a whole number from 0 to 65535/),
      wrong("TANDEM_SOCKET", "fast", /^tandem: TANDEM_SOCKET must be one of auto, batched, portable/),
      wrong("TANDEM_ADMIN_PORT", "70000", /^tandem: TANDEM_ADMIN_PORT must be a port/),
      wrong("TANDEM_HOST", "nohost.invalid", /^tandem: TANDEM_HOST must be an IP address/),
      wrong("TANDEM_ADMIN_HOST", "nohost.invalid", /^tandem: TANDEM_ADMIN_HOST must be an IP address/)
    ])
    await Promise.all([
      wrong("TANDEM_OTHER_RELAYS", relays(9), /^tandem: TANDEM_OTHER_RELAYS must be at most 8 addresses/),
      wrong("TANDEM_OTHER_RELAYS", "203.0.113.300:3478", /^tandem: TANDEM_OTHER_RELAYS must be at most 8 addresses/),
      wrong("TANDEM_AUDIO_RING_MEGABYTES", "0", /^tandem: TANDEM_AUDIO_RING_MEGABYTES must be .*1 to 960/),
      refuses(["run", "--host", "nohost.invalid"], 2, /--host "nohost\.invalid" is not an IP address/)
    ])
    const address = { TANDEM_ADMIN_HOST: "203.0.113.1", TANDEM_HOST: "127.0.0.1", TANDEM_PORT: "0" }
    await refuses(["run"], 1, /HTTP port .* is no address of this machine: set TANDEM_ADMIN_HOST/, address)
  })

  it("refuses files that it cannot send", async () => {
    const cut = file("cut.opus", Fs.readFileSync(speech).subarray(0, 5000))
    await Promise.all([
      refuses([...joining(), "--audio", cut], 2, /cut\.opus: .*cut|end|truncated/i),
      refuses([...joining(), "--audio", picture], 2, /video\.ivf: /),
      refuses([...joining(), "--video", file("cut.ivf", Fs.readFileSync(picture).subarray(0, 5000))], 2, /cut\.ivf: /),
      refuses([...joining(), "--audio", "nowhere.opus"], 2, /nowhere\.opus cannot be read \(NotFound\)/)
    ])
    const av1 = Uint8Array.from(Fs.readFileSync(picture))
    av1.set(Buffer.from("AV01"), 8)
    await refuses([...joining(), "--video", file("av1.ivf", av1)], 2, /av1\.ivf: .*AV01/)
  })

  it("says what a relay refuses, and when none answers", async () => {
    const stranger = Processes.temporaryFolder()
    const other = await Processes.startRelay(stranger)
    const minted = await Processes.run(stranger, ["token", "--call", "c", "--as", "eve", "--json"])
    const { token } = JSON.parse(minted.stdout) as { readonly token: string }
    await other.stop()
    const expired = await Processes.run(folder, ["token", "--call", "c", "--as", "ada", "--expires", "1"])
    await Promise.all([
      refuses(
        ["call", "--relay", relay.address, "--token", token, "--passphrase", "x"],
        1,
        /not of this relay's fleet; get a new token/
      ),
      refuses(
        ["call", "--relay", relay.address, "--token", "tdm1.nonsense", "--passphrase", "x"],
        2,
        /not a whole token/
      ),
      refuses(
        ["call", "--relay", "example.org:3478", "--call", "c", "--as", "a", "--passphrase", "x"],
        2,
        /example\.org/
      )
    ])
    assert.match(expired.stdout, /^tdm1\./)
    await refuses(
      ["run", "--host", "127.0.0.1", "--port", relay.address.split(":")[1]!],
      1,
      /is in use: stop the program/
    )
    Fs.rmSync(stranger, { recursive: true })
  })

  it("says what could not be decrypted, and asks for the passphrase", async () => {
    // Of its own: the counters of the other are looked at.
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

  it("carries a call from files to playable files, and ends cleanly at SIGTERM", async () => {
    const common = ["--relay", relay.address, "--call", "files", "--passphrase", "two words", "--json"]
    const [ada, lin] = await Promise.all([
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
      Processes.run(folder, ["call", ...common, "--as", "lin", "--record", "heard"])
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

    const health = (await (await fetch(`${relay.http}/healthz`)).json()) as { readonly status: string }
    assert.strictEqual(health.status, "ok")
    const metrics = await (await fetch(`${relay.http}/metrics`)).text()
    assert.match(metrics, /tandem_media_packets_in_total [1-9]/)
    assert.match(metrics, /tandem_dropped_total\{reason="unknownLegTag"\} 0/)
    assert.match(metrics, /tandem_receive_batches_total \d/)
    assert.strictEqual(await relay.stop(), 0)
  })
})
