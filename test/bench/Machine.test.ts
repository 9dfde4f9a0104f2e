import { assert, describe, it } from "@effect/vitest"
import * as Machine from "./Machine.ts"

describe("Machine", () => {
  it("reads a list of cores", () => {
    assert.deepStrictEqual(Machine.parseCpuList("0"), [0])
    assert.deepStrictEqual(Machine.parseCpuList("0-1\n"), [0, 1])
    assert.deepStrictEqual(Machine.parseCpuList("0-2,5,8-9"), [0, 1, 2, 5, 8, 9])
  })

  it("keeps relay and load apart, or says why not", () => {
    const { load, notPinned, relay } = Machine.chooseCores()
    if (notPinned === undefined) assert.notStrictEqual(load, relay)
    else assert.deepStrictEqual([load, relay], [undefined, undefined])
  })

  it("names the versions that were measured", () => {
    const { effect, node, tandem } = Machine.describe()
    for (const version of [effect, node, tandem]) assert.match(version, /^v?\d+\.\d+\.\d+/)
  })
})
