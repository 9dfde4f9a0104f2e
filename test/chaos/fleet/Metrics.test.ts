import { assert, describe, it } from "@effect/vitest"
import * as Metrics from "./Metrics.ts"

describe("Metrics", () => {
  it("adds up the samples of one metric with the same labels, and no others", () => {
    const text = `# HELP of Control datagrams
of{outcome="refused"} 3
of{outcome="answered"} 50
of{outcome="refused"} 4
of{outcome="refusedAgain"} 7
`
    assert.strictEqual(Metrics.sumOf(text, 'of{outcome="refused"}'), 7)
    assert.strictEqual(Metrics.sumOf(text, 'of{outcome="lost"}'), 0)
  })
})
