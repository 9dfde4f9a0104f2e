import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as BoundedMap from "../../src/pipeline/BoundedMap.ts"

const max = 5
const Key = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8 }))
const Steps = Schema.Array(
  Schema.Union([Schema.Struct({ set: Key, value: Schema.Int }), Schema.Struct({ remove: Key })])
)

/** The same by a list, the oldest first. */
const model = (steps: typeof Steps.Type) => {
  let entries: Array<readonly [key: number, value: number]> = []
  const gaveWay: Array<number | undefined> = []
  for (const step of steps) {
    const key = "set" in step ? step.set : step.remove
    entries = entries.filter(([each]) => each !== key)
    if (!("set" in step)) continue
    gaveWay.push(entries.length === max ? entries.shift()![1] : undefined)
    entries.push([key, step.value])
  }
  return { entries, gaveWay }
}

/** From one end of its list to the other. */
const listOf = (
  first: BoundedMap.BoundedMap<number, number>["oldest"],
  next: "newer" | "older"
): ReadonlyArray<readonly [number, number]> => {
  const found: Array<readonly [number, number]> = []
  for (let entry = first; entry !== undefined; entry = entry[next]) found.push([entry.key, entry.value])
  return found
}

describe("BoundedMap", () => {
  it.prop(
    "is a list of the newest entries",
    [Steps],
    ([steps]) => {
      const map = BoundedMap.make<number, number>(max)
      const gaveWay: Array<number | undefined> = []
      for (const step of steps) {
        if ("set" in step) gaveWay.push(BoundedMap.set(map, step.set, step.value))
        else BoundedMap.remove(map, step.remove)
      }
      const expected = model(steps)
      assert.deepStrictEqual(gaveWay, expected.gaveWay)
      assert.deepStrictEqual(listOf(map.oldest, "newer"), expected.entries)
      assert.deepStrictEqual(listOf(map.newest, "older"), expected.entries.toReversed())
      assert.strictEqual(BoundedMap.sizeOf(map), expected.entries.length)
      for (const [key, value] of expected.entries) assert.strictEqual(BoundedMap.get(map, key), value)
      assert.isFalse(BoundedMap.has(map, 9))
    },
    { arbitrary: { size: 100 } }
  )
})
