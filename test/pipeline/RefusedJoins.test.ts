import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RefusedJoins from "../../src/pipeline/RefusedJoins.ts"

const address = (port: number) => Uint32Array.of(port, 0, 0, 0xffff, 0x0a000001)
const id = (n: number) => new Uint8Array(12).fill(n)
const answer = Uint8Array.of(1, 2, 3)

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
/** The longest fill half of the memory. */
const Refusal = Schema.Struct({ port: between(1, 12), lengthBytes: between(1, 1000) })

describe("RefusedJoins", () => {
  it("the same request gets the same answer, any other before its time none, and later all are new", () => {
    const self = RefusedJoins.make()
    RefusedJoins.add(self, address(1), id(1), answer, 5000)
    assert.deepStrictEqual(RefusedJoins.find(self, address(1), id(1), 4999), answer)
    assert.strictEqual(RefusedJoins.find(self, address(1), id(2), 4999), "too early")
    assert.isUndefined(RefusedJoins.find(self, address(2), id(1), 4999))
    assert.isUndefined(RefusedJoins.find(self, address(1), id(2), 5000))
    assert.isUndefined(RefusedJoins.find(self, address(1), id(1), 4999))
  })

  it("is bounded, and forgets the oldest", () => {
    const self = RefusedJoins.make()
    for (let port = 0; port < 9000; port++) RefusedJoins.add(self, address(port), id(1), answer, 5000)
    assert.strictEqual(self.places.size, 8192)
    assert.isUndefined(RefusedJoins.find(self, address(807), id(1), 0))
    assert.deepStrictEqual(RefusedJoins.find(self, address(808), id(1), 0), answer)
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
    assert.deepStrictEqual(RefusedJoins.find(self, address(0), id(2), 0), answer)
    addThose(9000, 5000 + 8193)
    assert.isUndefined(RefusedJoins.find(self, address(0), id(2), 0))
  })

  it.prop(
    "of many that are refused, some of them again, each gets its last answer until it is forgotten, and nobody another's",
    [Schema.Array(Refusal)],
    ([refusals]) => {
      const max = 8
      const self = RefusedJoins.make(max)
      for (const [at, { lengthBytes, port }] of refusals.entries()) {
        RefusedJoins.add(self, address(port), id(at), new Uint8Array(lengthBytes).fill(at), 5000)
        const last = refusals.slice(0, at + 1)
        for (const [n, { lengthBytes, port }] of last.entries()) {
          const isRefusedAgain = last.slice(n + 1).some((later) => later.port === port)
          const found = RefusedJoins.find(self, address(port), id(n), 4999)
          const own = new Uint8Array(lengthBytes).fill(n)
          const bytesSince = last.slice(n).reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
          if (isRefusedAgain) assert.isFalse(found instanceof Uint8Array, "what was said before does not hold any more")
          else if (found !== undefined) assert.deepStrictEqual(found, own)
          else assert.isTrue(at - n >= max || bytesSince > (max * 256) / 2, "it was forgotten too soon")
        }
      }
      assert.isAtMost(self.places.size, max)
    },
    { arbitrary: { size: 60 } }
  )
})
