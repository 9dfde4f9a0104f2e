import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll } from "vitest"
import { developmentKeyFile } from "../../src/server/KeyFile.ts"
import * as InProcess from "./InProcess.ts"
import * as Processes from "./Processes.ts"
import * as Refusals from "./Refusals.ts"

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

/** The command line as a process refuses this. */
const refuses = async (
  args: ReadonlyArray<string>,
  exitCode: number,
  words: RegExp,
  env?: Record<string, string>
): Promise<void> => Refusals.check(await Processes.run(folder, args, env), exitCode, words)

/** The same before a process makes a difference: about a flag, a setting or a file. */
const refusesToBegin = async (args: ReadonlyArray<string>, words: RegExp, env?: Record<string, string>) =>
  Refusals.check(await InProcess.run(args, env), 2, words)

/** Of the relay. */
const keys = () => ["--keys", Path.join(folder, developmentKeyFile)]
const running = (...flags: ReadonlyArray<string>) => ["run", ...keys(), ...flags]
const joining = () => ["call", "--relay", relay.address, "--call", "c", "--as", "ada", ...keys()]
const encrypting = () => [...joining(), "--passphrase", "x"]

describe("command line", { timeout: 60_000 }, () => {
  it("refuses bad flags and settings with one line and exit code 2", async () => {
    await Promise.all([
      refuses(["run", "--port", "70000"], 2, /--port 70000 is not a port: use 0 to 65535/),
      refuses(["run", "--prot", "1"], 2, /--prot.*see tandem run --help/),
      refuses(["token", "--call", "c"], 2, /--as/),
      refuses(["run"], 2, /^tandem: TANDEM_PORT must be a port: a whole number from 0 to 65535/, { TANDEM_PORT: "abc" })
    ])
    await Promise.all([
      refusesToBegin(running("--impair", "loss=2"), /loss must be a share from 0 to 1/),
      refusesToBegin(["run", "--keys", "nowhere.json"], /no key file at .*nowhere\.json/),
      refusesToBegin(["run", "--keys", file("bad.json", Buffer.from("{}"))], /the key file is wrong at keys/),
      refusesToBegin(["call", "--call", "c"], /--token TOKEN, or --call CALL and --as NAME/)
    ])
  })

  it("refuses several relays that cannot be", async () => {
    await Promise.all([
      refusesToBegin(running("--processes", "0"), /--processes 0: use a number from 1 to 256, or auto/),
      refusesToBegin(running(), /--processes many: use a number/, { TANDEM_PROCESSES: "many" }),
      refusesToBegin(
        running("--processes", "2", "--port", "65535"),
        /--port 65535 has no 2 ports from there: use a lower/
      ),
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
    const unreachable = (url: string) =>
      words(`${url} cannot be opened (connect ECONNREFUSED 127.0.0.1:1): see that it runs`)
    await Promise.all([
      refusesToBegin(running("--state", "mysql://ada:secret@127.0.0.1/calls"), unknown),
      refusesToBegin(running(), unknown, { TANDEM_STATE: "mysql://ada:secret@127.0.0.1/calls" }),
      refusesToBegin(running("--state", "redis://:secret@127.0.0.1/calls"), words("has a URL that cannot be read")),
      refuses(["run", "--state", `sqlite:${picture}`], 1, words("video.ivf cannot be opened (file is not a database)")),
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
      refusesToBegin([...joining(), "--passphrase", ""], /--passphrase is empty: give the one/),
      refusesToBegin([...encrypting(), "--wait-for", "50"], /--wait-for.*0 and 49/),
      refusesToBegin([...encrypting(), "--wait-for=-1"], /--wait-for.*0 and 49/),
      refusesToBegin([...encrypting(), "--start-after", "60001"], /--start-after.*0 and 60000/),
      refusesToBegin([...encrypting(), "--wait-when-busy", "301"], /--wait-when-busy.*0 and 300/),
      refusesToBegin([...encrypting(), "--wait-when-busy=-1"], /--wait-when-busy.*0 and 300/),
      refusesToBegin([...encrypting(), "--play-for", "0"], /--play-for.*1 and 600000/),
      refusesToBegin([...encrypting(), "--linger=-1"], /--linger.*0 and 60000/),
      refusesToBegin([...encrypting(), "--playout-delay", "60001"], /--playout-delay.*0 and 60000/)
    ])
  })

  it("refuses a group that is no group, or too large to be shown", async () => {
    await Promise.all([
      refusesToBegin(["demo", "--group", "2"], /--group 2: a group of this demo has 3 to 20/),
      refusesToBegin(["demo", "--group", "21"], /--group 21: a group of this demo has 3 to 20/),
      refusesToBegin(["demo", "--group", "3", "--audio", "nowhere.opus"], /nowhere\.opus is not there: run in a clone/)
    ])
  })

  it("names the variable that is wrong, and what it may be", async () => {
    const relays = (count: number) => Array.from({ length: count }, (_, i) => `203.0.113.${i}:3478`).join()
    const wrong = (name: string, value: string, words: RegExp) => refusesToBegin(running(), words, { [name]: value })
    await Promise.all([
      wrong("TANDEM_PORT", "abc", /^tandem: TANDEM_PORT must be a port: a whole number from 0 to 65535/),
      wrong("TANDEM_SOCKET", "fast", /^tandem: TANDEM_SOCKET must be one of auto, batched, portable/),
      wrong("TANDEM_ADMIN_PORT", "70000", /^tandem: TANDEM_ADMIN_PORT must be a port/),
      wrong("TANDEM_HOST", "nohost.invalid", /^tandem: TANDEM_HOST must be an IP address/),
      wrong("TANDEM_ADMIN_HOST", "nohost.invalid", /^tandem: TANDEM_ADMIN_HOST must be an IP address/),
      wrong("TANDEM_OTHER_RELAYS", relays(9), /^tandem: TANDEM_OTHER_RELAYS must be at most 8 addresses/),
      wrong("TANDEM_OTHER_RELAYS", "203.0.113.300:3478", /^tandem: TANDEM_OTHER_RELAYS must be at most 8 addresses/),
      wrong("TANDEM_AUDIO_RING_MEGABYTES", "0", /^tandem: TANDEM_AUDIO_RING_MEGABYTES must be .*1 to 960/),
      refusesToBegin(running("--host", "nohost.invalid"), /--host "nohost\.invalid" is not an IP address/)
    ])
    const address = { TANDEM_ADMIN_HOST: "203.0.113.1", TANDEM_HOST: "127.0.0.1", TANDEM_PORT: "0" }
    await refuses(["run"], 1, /HTTP port .* is no address of this machine: set TANDEM_ADMIN_HOST/, address)
  })

  it("refuses files that it cannot send", async () => {
    const cut = file("cut.opus", Fs.readFileSync(speech).subarray(0, 5000))
    const cutPicture = file("cut.ivf", Fs.readFileSync(picture).subarray(0, 5000))
    const av1 = Uint8Array.from(Fs.readFileSync(picture))
    av1.set(Buffer.from("AV01"), 8)
    await Promise.all([
      refuses([...encrypting(), "--audio", cut], 2, /cut\.opus: .*cut|end|truncated/i),
      refusesToBegin([...encrypting(), "--audio", picture], /video\.ivf: /),
      refusesToBegin([...encrypting(), "--video", cutPicture], /cut\.ivf: /),
      refusesToBegin([...encrypting(), "--audio", "nowhere.opus"], /nowhere\.opus cannot be read \(NotFound\)/),
      refusesToBegin([...encrypting(), "--video", file("av1.ivf", av1)], /av1\.ivf: .*AV01/)
    ])
  })

  it("refuses layers that are not of one picture in falling sizes", async () => {
    const smaller = (...paths: ReadonlyArray<string>) => paths.flatMap((path) => ["--simulcast", path])
    const low = Path.join(samples, "video-90.ivf")
    const whole = Fs.readFileSync(low)
    // Without the last frame: each begins with its length, and is 12 bytes longer than that.
    let end = 32
    for (let next = end; next < whole.length; next += 12 + whole.readUInt32LE(next)) end = next
    const shorter = file("shorter.ivf", whole.subarray(0, end))
    await Promise.all([
      refusesToBegin([...encrypting(), ...smaller(low)], /--simulcast is for smaller sizes of --video/),
      refusesToBegin([...encrypting(), "--video", low, ...smaller(picture)], /video\.ivf is 360 pixels high/),
      refusesToBegin([...encrypting(), "--video", picture, ...smaller(low, low)], /each layer has to be smaller/),
      refusesToBegin([...encrypting(), "--video", picture, ...smaller(shorter)], /299 frames and .*video\.ivf 300/),
      refusesToBegin([...encrypting(), "--video", picture, ...smaller("none.ivf")], /none\.ivf cannot be read/),
      refusesToBegin([...encrypting(), "--video", picture, ...smaller(low, low, low)], /--simulcast/)
    ])
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
})
