import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { nodeFlags } from "./RelayUnderTest.ts"

describe("the relay of a flood", () => {
  it("has its heap as one has it that bin/tandem.js has started", () => {
    const starter = Fs.readFileSync(Path.join(import.meta.dirname, "../../bin/tandem.js"), "utf8")
    const set = [...starter.matchAll(/setFlagsFromString\("([^"]+)"\)/g)].map(([, flag]) => flag)
    assert.deepStrictEqual(nodeFlags, set)
  })
})
