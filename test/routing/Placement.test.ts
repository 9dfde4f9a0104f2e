import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Placement from "../../src/routing/Placement.ts"
import * as GiveUpOrder from "../../src/throttle/GiveUpOrder.ts"

const load = (id: string, participants: number) => ({ id, participants })
const idOf = ({ id }: { readonly id: string }) => id
const better = (self: number, others: ReadonlyArray<number>, call = "call") =>
  Placement.better(
    call,
    { participants: self },
    others.map((participants, index) => load(`relay-${index}`, participants)),
    idOf
  )

const count = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 })))
const counts = Arbitrary.array(count, { maxLength: 6 })

describe("Placement", () => {
  it("sends nobody to a relay that has little less to do: eight, and a fifth", () => {
    assert.isUndefined(better(7, [0]))
    assert.strictEqual(better(8, [0])?.participants, 0)
    assert.isUndefined(better(100, [81]))
    assert.strictEqual(better(100, [80])?.participants, 80)
    assert.isUndefined(better(30, [23]))
    assert.isUndefined(better(0, []))
  })

  it("prefers a relay that has clearly less to do than the others", () => {
    for (const call of ["a", "b", "c", "d", "e"]) assert.strictEqual(better(100, [60, 5, 50], call)?.participants, 5)
  })

  it("calls are spread over relays that have the same to do, and the same call always comes to the same", () => {
    const chosen = Array.from({ length: 200 }, (_, n) => better(100, [10, 12, 8], `call-${n}`)!.id)
    for (const id of ["relay-0", "relay-1", "relay-2"]) {
      assert.isAbove(chosen.filter((other) => other === id).length, 30)
    }
    assert.strictEqual(better(100, [10, 12, 8], "call-7")!.id, better(40, [10, 12, 8], "call-7")!.id)
  })

  it("a relay has room until it refuses a group", () => {
    const refusesFrom = GiveUpOrder.utilizationAt(GiveUpOrder.stepOf("new-group-video")!)
    assert.isTrue(Placement.hasRoom({ fullness: refusesFrom - 0.001 }))
    assert.isFalse(Placement.hasRoom({ fullness: refusesFrom }))
    assert.isTrue(Placement.hasRoom({ fullness: undefined }))
  })

  it.prop("whoever is chosen would send nobody back", [count, counts], ([self, others]) => {
    const chosen = better(self, others)
    if (chosen === undefined) return
    assert.isBelow(chosen.participants, self)
    assert.isUndefined(better(chosen.participants, [self]))
  })
})
