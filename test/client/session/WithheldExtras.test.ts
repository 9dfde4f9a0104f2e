import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as WithheldExtras from "../../../src/client/session/WithheldExtras.ts"
import * as QualityExtra from "../../../src/protocol/QualityExtra.ts"

const Bits = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 15 }))
const Counter = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))

describe("WithheldExtras", () => {
  it.prop(
    "in whatever order directives come, the highest counter counts, and news is what changes the set",
    [Arbitrary.array(Arbitrary.all({ counter: Arbitrary.schema(Counter), bits: Arbitrary.schema(Bits) }))],
    ([directives]) => {
      const self = WithheldExtras.make()
      let highest = -1
      let bits = 0
      for (const directive of directives) {
        const isNewest = directive.counter > highest
        const isNews = WithheldExtras.handleDirective(self, directive.counter, QualityExtra.fromBits(directive.bits))
        assert.strictEqual(isNews, isNewest && directive.bits !== bits)
        if (isNewest) ({ counter: highest, bits } = directive)
        assert.strictEqual(QualityExtra.toBits(self.extras), bits)
        const isAmong = (extra: QualityExtra.QualityExtra) => self.extras.includes(extra)
        assert.deepStrictEqual(self.packets, { fec: isAmong("fec"), duplication: isAmong("duplication") })
      }
      assert.strictEqual(WithheldExtras.restart(self), bits !== 0)
      assert.deepStrictEqual([self.extras, self.packets], [[], { fec: false, duplication: false }])
      // Another relay counts anew.
      assert.isTrue(WithheldExtras.handleDirective(self, 0, ["fec"]))
    }
  )
})
