import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { empty } from "../../src/call/CallState.ts"
import { ForwardingPlan, planOf } from "../../src/call/ForwardingPlan.ts"
import { decide, join, randomCommands, participantId, stream } from "./Commands.ts"

describe("ForwardingPlan", () => {
  it("sends everybody's streams to everybody else", () => {
    const first = Result.getOrThrow(CallDecision.join(empty, join(1, { streams: [stream(1), stream(2)] }), 0))
    const { plan } = Result.getOrThrow(CallDecision.join(first.state, join(2, { streams: [] }), 0))
    const [one, two] = [participantId(1), participantId(2)]
    assert.deepStrictEqual(plan.rows, [
      { ssrc: 1, from: one, to: [two] },
      { ssrc: 2, from: one, to: [two] }
    ])
    assert.deepStrictEqual(
      plan.participants.map(({ id, relay, streams }) => [id, relay, streams.length]),
      [
        [one, "relay-a", 2],
        [two, "relay-a", 0]
      ]
    )
  })

  it.prop("is made without checks, but would pass them all", [randomCommands], ([commands]) => {
    const state = commands.reduce(
      (state, command) => Result.getOrElse(decide(state, command, 7), () => ({ state })).state,
      empty
    )
    const plan = planOf(state)
    const json = Schema.encodeSync(Schema.fromJsonString(ForwardingPlan))(plan)
    assert.deepStrictEqual(Schema.decodeSync(Schema.fromJsonString(ForwardingPlan))(json), plan)
  })
})
