import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

const sources = Path.join(import.meta.dirname, "../../src")

/** What a file imports as it is loaded: not types alone, and not what is imported later. */
const importsOf = (file: string): ReadonlyArray<string> =>
  [
    ...Fs.readFileSync(Path.join(sources, file), "utf8").matchAll(
      /^(?:import|export) (?!type\b)[^"']*?\bfrom "(\.[^"]+)"/gm
    )
  ].map(([, from]) => Path.posix.join(Path.posix.dirname(file), from!))

/** The file, and everything that is loaded with it. */
const loadedWith = (file: string): ReadonlySet<string> => {
  const loaded = new Set([file])
  for (const each of loaded) for (const imported of importsOf(each)) loaded.add(imported)
  return loaded
}

const foldersOf = (files: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...files].map((file) => file.split("/")[0]!))

describe("what is loaded", () => {
  it("for help and flags that cannot be: nothing of a relay", () => {
    const folders = foldersOf(loadedWith("cli/main.ts"))
    assert.isTrue(folders.has("cli") && folders.has("protocol"))
    for (const folder of ["server", "pipeline", "cluster", "actor", "state", "admin", "demo"]) {
      assert.isFalse(folders.has(folder), folder)
    }
  })

  it("until it is known what a relay is to be: nothing that runs one, nor for the process of several", () => {
    for (const file of ["cli/RunHandler.ts", "cli/SeveralRelays.ts"]) {
      const folders = foldersOf(loadedWith(file))
      assert.isTrue(folders.has("server"))
      assert.isFalse(folders.has("pipeline") || folders.has("cluster"), file)
    }
    assert.isTrue(foldersOf(loadedWith("cli/OneRelay.ts")).has("pipeline"))
  })

  it("for one who takes part in a call: nothing that runs a relay", () => {
    for (const file of ["cli/CallHandler.ts", "cli/BridgeHandler.ts", "cli/ProbeHandler.ts", "cli/TokenHandler.ts"]) {
      const folders = foldersOf(loadedWith(file))
      assert.isFalse(folders.has("pipeline") || folders.has("cluster"), file)
    }
  })
})
