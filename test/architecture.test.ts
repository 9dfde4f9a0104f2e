import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { rows } from "./architecture/FolderTable.ts"
import { linesMax, violations } from "./architecture/Rules.ts"

const root = Path.join(import.meta.dirname, "..")

const filesIn = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync(Path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.split(Path.sep).join("/"))
    .toSorted()

const read = (...parts: ReadonlyArray<string>): string => Fs.readFileSync(Path.join(root, ...parts), "utf8")

describe("architecture", () => {
  it("every source file keeps to the folder table", () => {
    const files = filesIn("src")
    assert.isAbove(files.length, 0)
    assert.deepStrictEqual(
      files.flatMap((file) => violations(file, read("src", file))),
      []
    )
  })

  it("no test is longer than a source file may be", () => {
    const long = filesIn("test").filter((file) => read("test", file).split("\n").length - 1 > linesMax)
    assert.deepStrictEqual(long, [])
  })

  it("what a folder may import exists in the table", () => {
    const named = Object.values(rows).flatMap(({ ours }) => ours)
    const unknown = named.filter((entry) => !Object.keys(rows).includes(entry.split("/")[0]!))
    assert.deepStrictEqual(unknown, [])
  })

  it("the table has no circle", () => {
    const rowOf = (entry: string): string => (entry in rows ? entry : entry.split("/")[0]!)
    const reaches = (from: string, to: string): boolean =>
      rows[from]!.ours.map(rowOf).some((entry) => entry === to || reaches(entry, to))
    assert.deepStrictEqual(
      Object.keys(rows).filter((row) => reaches(row, row)),
      []
    )
  })
})

describe("the rules catch", () => {
  const catches = (name: string, path: string, source: string, message: string) =>
    it(name, () => assert.include(violations(path, source).join("\n"), message))

  catches("a folder without a row", "helpers/Text.ts", "", `"helpers" has no row`)
  catches("a file outside any folder", "Tandem.ts", "", "has no row")
  catches("a folder named after nothing", "media/utils/Clamp.ts", "", `a folder "utils"`)
  catches("a barrel", "media/index.ts", "", "no index.ts")
  catches("a file name", "media/nackGenerator.ts", "", "PascalCase")
  catches("a long file", "media/A.ts", "\n".repeat(linesMax + 1), "longer than")
  catches(
    "an import against the table",
    "media/A.ts",
    `import * as S from "../sockets/B.ts"`,
    "not import sockets/B.ts"
  )
  catches("one over several lines", "media/A.ts", `import {\n  type B\n} from "../call/B.ts"`, "not import call/B.ts")
  catches("one passed on", "media/A.ts", `export * from "../call/B.ts"`, "not import call/B.ts")
  catches("one at run time", "media/A.ts", `const b = await import("../call/B.ts")`, "not import call/B.ts")
  catches("one of another's inside", "pipeline/A.ts", `import { C } from "../actor/CallActor.ts"`, "actor/CallActor.ts")
  catches(
    "a socket behind plain packets",
    "sockets/PacketBatch.ts",
    `import { A } from "./DatagramNetwork.ts"`,
    "DatagramN"
  )
  catches("one without its ending", "media/A.ts", `import { B } from "./B"`, "no .ts ending")
  catches("Node in a pure folder", "protocol/A.ts", `import { Buffer } from "node:buffer"`, `"node:buffer"`)
  catches("the runtime in a pure folder", "media/A.ts", `import { Effect, Result } from "effect"`, "not Effect")
  catches("the runtime by its own name", "media/A.ts", `import * as Effect from "effect/Effect"`, `"effect/Effect"`)
  catches("all of effect in a pure folder", "call/A.ts", `import * as E from "effect"`, "all of it")
  catches(
    "the cluster outside its folders",
    "pipeline/A.ts",
    `import { Entity } from "effect/cluster"`,
    "effect/cluster"
  )
  catches("SQL outside the state", "pipeline/A.ts", `import { SqlClient } from "effect/sql"`, "effect/sql")
  catches("foreign functions outside the sockets", "server/A.ts", `import * as Ffi from "node:ffi"`, "node:ffi")
  catches("arguments outside the command line", "server/A.ts", `import { Command } from "effect/cli"`, "effect/cli")
  catches("settings in the middle", "pipeline/A.ts", `import { Config } from "effect"`, "may not read Config")
  catches("the environment", "server/A.ts", "const home = process.env.HOME", "process.env")
  catches("a clock", "media/A.ts", "const nowMs = Date.now()", "Date.now")
  catches("dice", "client/A.ts", "const tag = Math.random()", "Math.random")
  catches("a timer", "pipeline/A.ts", "setTimeout(flush, 5)", "setTimeout")
  catches("a second run", "server/Relay.ts", "Effect.runPromise(main)", "one run in the whole source")

  it("nothing where nothing is wrong", () => {
    const source = `
      import { Array as Arr, Result, type Schema } from "effect"
      import * as HopFrame from "../protocol/HopFrame.ts"
      /** Time is an argument: no Date.now() and no setTimeout here. */
      const note = "// not a comment: import from 'nowhere'"
    `
    assert.deepStrictEqual(violations("media/ReceiveLeg.ts", source), [])
  })
})
