import { assert, describe, it } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"

const root = Path.join(import.meta.dirname, "../..")

/** What stands in for the command line. It ends with 40 and the number of signals that reached it. */
const main = `
  process.emitWarning("something else")
  const [command, code] = process.argv.slice(2)
  if (command === "exit") process.exitCode = Number(code)
  else if (command === "die") process.kill(process.pid, "SIGKILL")
  else if (command === "run") console.log(JSON.stringify({ pid: process.pid, flags: process.execArgv, code }))
  else {
    let signals = 0
    const count = () => {
      signals++
      setTimeout(() => process.exit(40 + signals), 100)
    }
    process.on("SIGINT", count)
    process.on("SIGTERM", count)
    setInterval(() => {}, 1000)
    console.log("ready")
  }
`

/** Makes the Node that starts the launcher say that it is an old one. The one the launcher starts is not told. */
const pretendOld = `
  Object.defineProperty(process, "version", { value: "v12.22.12" })
  Object.defineProperty(process, "versions", { value: { ...process.versions, node: "12.22.12" } })
`

const folders: Array<string> = []
afterAll(() => folders.forEach((folder) => Fs.rmSync(folder, { recursive: true })))

const binFiles = Object.fromEntries(
  ["bin/tandem.js", "bin/heap.js"].map((file) => [file, Fs.readFileSync(Path.join(root, file), "utf8")])
)

const lay = (files: Readonly<Record<string, string>>): string => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "tandem-launcher-"))
  folders.push(folder)
  const all = { "package.json": `{ "type": "module" }`, ...binFiles, ...files }
  for (const [file, text] of Object.entries({ ...all, "old.cjs": pretendOld })) {
    Fs.mkdirSync(Path.dirname(Path.join(folder, file)), { recursive: true })
    Fs.writeFileSync(Path.join(folder, file), text)
  }
  return folder
}

const layClone = (): string => {
  const folder = lay({ "src/cli/main.ts": main, "node_modules/.bin/.keep": "" })
  // A second path to the same Node: what tells the clone's own from the one that runs is where it lies.
  Fs.writeFileSync(Path.join(folder, "node_modules/.bin/node"), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`)
  Fs.chmodSync(Path.join(folder, "node_modules/.bin/node"), 0o755)
  return folder
}

const start = (folder: string, isOld: boolean, ...args: ReadonlyArray<string>): ChildProcess => {
  const preload = isOld ? ["--require", Path.join(folder, "old.cjs")] : []
  return spawn(process.execPath, [...preload, Path.join(folder, "bin/tandem.js"), ...args], { detached: true })
}

const finish = async (child: ChildProcess) => {
  let text = ""
  child.stderr?.on("data", (chunk) => (text += chunk))
  const [code, signal] = await once(child, "close")
  return { code, signal, text }
}

for (const isOld of [false, true]) {
  describe(isOld ? "launcher of a clone, started by an old Node" : "launcher of a clone", () => {
    const clone = layClone()

    it("passes arguments and the exit code through", async () => {
      assert.strictEqual((await finish(start(clone, isOld, "exit", "7"))).code, 7)
    })

    it("hides no warning", async () => {
      const { text } = await finish(start(clone, isOld, "exit", "0"))
      assert.include(text, "something else")
    })

    it("fails when the command line is killed", async () => {
      const { code, signal } = await finish(start(clone, isOld, "die"))
      assert.isTrue(signal === "SIGKILL" || code === 137)
    })

    it("passes SIGTERM on once", async () => {
      const child = start(clone, isOld)
      await once(child.stdout!, "data")
      child.kill("SIGTERM")
      assert.strictEqual((await finish(child)).code, 41)
    })

    it("passes Ctrl-C on once, though a terminal tells the whole process group", async () => {
      const child = start(clone, isOld)
      await once(child.stdout!, "data")
      process.kill(-child.pid!, "SIGINT")
      assert.strictEqual((await finish(child)).code, 41)
    })
  })
}

describe.skipIf(process.platform !== "linux")("launcher of a relay", () => {
  /** The cores that this process may use, as `taskset` takes them. */
  const cores = () => /^Cpus_allowed_list:\s*(.*)$/m.exec(Fs.readFileSync("/proc/self/status", "latin1"))![1]!

  const startOn = (list: string, ...flags: ReadonlyArray<string>) => {
    const program = Path.join(layClone(), "bin/tandem.js")
    return spawn("taskset", ["-c", list, process.execPath, ...flags, program, "run", "as asked"])
  }
  const said = async (child: ChildProcess) => {
    let text = ""
    child.stdout!.on("data", (chunk) => (text += chunk))
    assert.strictEqual((await finish(child)).code, 0)
    return JSON.parse(text) as { readonly pid: number; readonly flags: Array<string>; readonly code: string }
  }

  it("on one core begins anew as one whose garbage is collected without threads, and stays the process that it is", async () => {
    const child = startOn(cores().split(/[-,]/)[0]!, "--stack-size=900")
    const { code, flags, pid } = await said(child)
    assert.deepStrictEqual(
      { code, flags, pid },
      {
        code: "as asked",
        flags: ["--single-threaded-gc", "--stack-size=900"],
        pid: child.pid!
      }
    )
  })

  it.skipIf(Os.availableParallelism() === 1)("on several begins once", async () => {
    const { code, flags } = await said(startOn(cores()))
    assert.deepStrictEqual({ code, flags }, { code: "as asked", flags: [] })
  })
})

describe("launcher", () => {
  it("runs dist where there is no src", async () => {
    const installed = lay({ "dist/cli/main.js": main })
    assert.strictEqual((await finish(start(installed, false, "exit", "3"))).code, 3)
  })

  const refuses = (name: string, folder: () => string, isOld: boolean, message: string) =>
    it(name, async () => {
      const { code, text } = await finish(start(folder(), isOld, "exit", "0"))
      assert.strictEqual(code, 1)
      assert.include(text, message)
      assert.strictEqual(text.trim().split("\n").length, 1)
    })

  refuses("says how to install a clone", () => lay({ "src/cli/main.ts": main }), false, "npm ci")
  refuses("says which Node an installed package needs", () => lay({ "dist/cli/main.js": main }), true, "Node 22.19")
  refuses(
    "says how to get the clone's Node when its install script has not run",
    () => lay({ "src/cli/main.ts": main, "node_modules/.bin/.keep": "" }),
    true,
    "npm rebuild node --ignore-scripts=false"
  )
})
