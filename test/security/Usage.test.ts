import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as Path from "node:path"

const run = (...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, [Path.join(import.meta.dirname, "main.ts"), ...args], { encoding: "utf8" })

const usage = /^usage: node test\/security\/main\.ts /m

describe("command line of test/security", { timeout: 60_000 }, () => {
  it("says how it is used", () => {
    const { status, stderr, stdout } = run("--help")
    assert.deepStrictEqual([status, stderr], [0, ""])
    assert.match(stdout, usage)
  })

  it("refuses what it does not know, without a stack trace", () => {
    for (const args of [["--sed", "1"], ["word"], ["--seed", "x"]]) {
      const { status, stderr, stdout } = run(...args)
      assert.deepStrictEqual([status, stdout], [2, ""], stderr)
      assert.match(stderr, usage)
      assert.notMatch(stderr, /^\s+at /m)
    }
  })
})
