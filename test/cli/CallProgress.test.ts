import { assert, describe, it } from "@effect/vitest"
import * as CallProgress from "../../src/cli/CallProgress.ts"
import type { CallStatistics } from "../../src/client/CallClient.ts"
import type { QualityExtra } from "../../src/protocol/QualityExtra.ts"

const statistics = {
  traffic: { bytesSent: 1000, bytesReceived: 2000 },
  downlink: { packetsReceived: 90, packetsLost: 20, packetsRepaired: 10 },
  roundTripMs: 41.6
} as CallStatistics

const lineOf = (withheld: ReadonlyArray<QualityExtra>) =>
  CallProgress.line({ seconds: 3, others: 1, withheld, statistics }, undefined)

describe("the progress of a call", () => {
  it("is one line, which says what a busy relay goes without", () => {
    const line = "3 s, 1 other  out -  in -  lost 20.0 %  repaired 50.0 %  round trip 42 ms"
    assert.strictEqual(lineOf([]), line)
    assert.strictEqual(lineOf(["fec", "duplication"]), `${line}  relay busy: without fec, duplication`)
  })
})
