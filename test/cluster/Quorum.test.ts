import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Quorum from "../../src/cluster/Quorum.ts"

const names = ["a", "b", "c", "d", "e"] as const
const Name = Schema.Literals(names)
const runners = (count: number, condemned: ReadonlyArray<string> = []): ReadonlyArray<Quorum.Standing> =>
  names.slice(0, count).map((address) => ({ address, isCondemned: condemned.includes(address) }))

/** "ab": a suspects b. */
const says = (...pairs: ReadonlyArray<string>): ReadonlyArray<Quorum.Suspicion> =>
  pairs.map((pair) => ({ accuser: pair[0]!, accused: pair[1]! }))

const verdict = (...input: Parameters<typeof Quorum.condemned>) => [...Quorum.condemned(...input)].toSorted()

const arbitrarySuspicions = Arbitrary.array(Arbitrary.schema(Schema.Struct({ accuser: Name, accused: Name })), {
  maxLength: 20
})

describe("Quorum", () => {
  it("needs two accusers, or the only other", () => {
    assert.deepStrictEqual(verdict(runners(3), says("ab")), [])
    assert.deepStrictEqual(verdict(runners(3), says("ab", "cb")), ["b"])
    assert.deepStrictEqual(verdict(runners(2), says("ab")), ["b"])
    assert.deepStrictEqual(verdict(runners(1), says("ba")), [])
  })

  it("does not hear the condemned, nor those who are not there", () => {
    assert.deepStrictEqual(verdict(runners(3, ["c"]), says("ac", "bc", "ca", "cb")), ["c"])
    assert.deepStrictEqual(verdict(runners(3), says("ab", "eb")), [])
  })

  it("two that suspect each other lose one alone: whoever was condemned first", () => {
    assert.deepStrictEqual(verdict(runners(2, ["a"]), says("ab", "ba")), ["a"])
    assert.deepStrictEqual(verdict(runners(2, ["b"]), says("ab", "ba")), ["b"])
    assert.strictEqual(verdict(runners(2), says("ab", "ba")).length, 1)
  })

  it("acquits whom nobody suspects any more, and whose accusers have died", () => {
    assert.deepStrictEqual(verdict(runners(3, ["c"]), says()), [])
    assert.deepStrictEqual(verdict(runners(2, ["b"]), says("cb")), [])
  })

  it.prop("never condemns all, nor one whom nobody suspects", [arbitrarySuspicions], ([suspicions]) => {
    const condemned = Quorum.condemned(runners(5), suspicions)
    assert.isBelow(condemned.size, 5)
    for (const address of condemned) {
      assert.isTrue(suspicions.some(({ accused, accuser }) => accused === address && accuser !== address))
    }
  })

  it("a verdict stands while one of the living suspects, also if another was heard for it", () => {
    assert.deepStrictEqual(verdict(runners(3, ["c"]), says("ac")), ["c"])
    const voices = says("ca", "ba", "cb", "eb")
    const once = verdict(runners(5), voices)
    assert.deepStrictEqual(once, ["a", "b"])
    assert.deepStrictEqual(verdict(runners(5, once), voices), once)
  })

  it.prop("the same voices, said again and again, come to an end", [arbitrarySuspicions], ([suspicions]) => {
    let before: ReadonlyArray<string> = []
    for (let round = 0; round < 10; round++) before = verdict(runners(5, before), suspicions)
    assert.deepStrictEqual(verdict(runners(5, before), suspicions), before)
  })
})
