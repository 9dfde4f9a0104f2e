import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as GcTrace from "./GcTrace.ts"

describe("GcTrace", () => {
  it("reads a collection, and nothing else", () => {
    const line = `[11005:0x21ad1000:0]       20 ms: GC: {"pause":1.165,"gc":"s","allocated":4985704}`
    assert.deepStrictEqual(GcTrace.parse(line), { pauseMs: 1.165, allocatedBytes: 4_985_704 })
    assert.isUndefined(GcTrace.parse("[11005:0x21ad1000:0]       19 ms: Memory pool: Removed pages: 0"))
    assert.isUndefined(GcTrace.parse(`{"port":3478}`))
  })

  it("does not take a line of another shape for no pause", () => {
    assert.throws(() => GcTrace.parse(`[1:0x2:0] 20 ms: GC: {"gc":"s"}`), /something else/)
  })

  it("sees this Node's collections, and what was allocated between them", () => {
    const program = "const kept = []; for (let i = 0; i < 20; i++) { kept[i] = new Array(1 << 17).fill(i); gc() }"
    const { stdout } = spawnSync(process.execPath, ["--expose-gc", ...GcTrace.nodeFlags, "-e", program])
    const collections = String(stdout)
      .split("\n")
      .flatMap((line) => GcTrace.parse(line) ?? [])
    assert.isAtLeast(collections.length, 20)
    assert.isAtLeast(Math.min(...collections.map(({ pauseMs }) => pauseMs)), 0)
    // Elements have 4 or 8 bytes.
    const allocated = collections.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0)
    assert.isAtLeast(allocated, 20 * (1 << 17) * 4)
  })
})
