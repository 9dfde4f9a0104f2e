import { assert, describe, it } from "@effect/vitest"
import * as AllocationProblem from "../../../src/call/allocation/AllocationProblem.ts"
import * as Decision from "../../../src/call/allocation/Decision.ts"
import * as PricedOffers from "../../../src/call/allocation/PricedOffers.ts"
import * as ReceiverChoice from "../../../src/call/allocation/ReceiverChoice.ts"
import * as ReceiverOptions from "../../../src/call/allocation/ReceiverOptions.ts"
import * as Scratch from "../../../src/call/allocation/Scratch.ts"
import { dice, randomCall } from "./RandomCalls.ts"

/** Sums of the same in another order. */
const rounding = 1e-9

describe("ReceiverOptions", () => {
  it("no choice is worth more than they say, whatever the price, and at the price of the choice hardly less", () => {
    let slackMax = 0
    for (let seed = 1; seed <= 60; seed++) {
      const draw = dice(seed)
      const problem = AllocationProblem.make(randomCall(draw, { participants: seed % 2 === 0 ? 5 : 30, layers: 3 }))
      const scratch = Scratch.make(problem)
      const decision = PricedOffers.find(problem, scratch)
      for (let receiver = 0; receiver < problem.receiverCount; receiver++) {
        const price = ReceiverChoice.choose(problem, decision.rungs, receiver, decision.choices, scratch)
        const utility = Decision.utilityOfReceiver(problem, decision, receiver)
        for (const any of [0, 10 * draw(), 100 * draw(), price ?? 0]) {
          const most = ReceiverOptions.worthMost(problem, decision.rungs, receiver, any)
          assert.isAtLeast(most, utility - rounding, `seed ${seed}, receiver ${receiver}, price ${any}`)
          if (any === price) slackMax = Math.max(slackMax, most / utility - 1)
        }
      }
    }
    assert.isBelow(slackMax, 0.05)
  })
})
