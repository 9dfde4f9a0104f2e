import { assert, describe, it } from "@effect/vitest"
import * as BoundedMap from "../../src/pipeline/BoundedMap.ts"
import * as RefusedJoins from "../../src/pipeline/RefusedJoins.ts"

const address = (port: number) => Uint32Array.of(port, 0, 0, 0xffff, 0x0a000001)
const id = (n: number) => new Uint8Array(12).fill(n)
const answer = Uint8Array.of(1, 2, 3)

describe("RefusedJoins", () => {
  it("the same request gets the same answer, any other before its time none, and later all are new", () => {
    const self = RefusedJoins.make()
    RefusedJoins.add(self, address(1), id(1), answer, 5000)
    assert.strictEqual(RefusedJoins.find(self, address(1), id(1), 4999), answer)
    assert.strictEqual(RefusedJoins.find(self, address(1), id(2), 4999), "too early")
    assert.isUndefined(RefusedJoins.find(self, address(2), id(1), 4999))
    assert.isUndefined(RefusedJoins.find(self, address(1), id(2), 5000))
    assert.isUndefined(RefusedJoins.find(self, address(1), id(1), 4999))
  })

  it("is bounded, and forgets the oldest", () => {
    const self = RefusedJoins.make()
    for (let port = 0; port < 9000; port++) RefusedJoins.add(self, address(port), id(1), answer, 5000)
    assert.strictEqual(BoundedMap.sizeOf(self), 8192)
    assert.isUndefined(RefusedJoins.find(self, address(807), id(1), 0))
    assert.strictEqual(RefusedJoins.find(self, address(808), id(1), 0), answer)
  })

  it("who was refused again is as new as that", () => {
    const self = RefusedJoins.make()
    const addThose = (from: number, to: number) => {
      for (let port = from; port < to; port++) RefusedJoins.add(self, address(port), id(1), answer, 5000)
    }
    addThose(0, 5000)
    RefusedJoins.add(self, address(0), id(2), answer, 5000)
    addThose(5001, 9000)
    assert.isUndefined(RefusedJoins.find(self, address(1), id(1), 0))
    assert.strictEqual(RefusedJoins.find(self, address(0), id(2), 0), answer)
    addThose(9000, 5000 + 8193)
    assert.isUndefined(RefusedJoins.find(self, address(0), id(2), 0))
  })
})
