import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../src/call/CallState.ts"
import * as LegAge from "../../src/call/LegAge.ts"
import { planOf } from "../../src/call/ForwardingPlan.ts"
import { isAhead, provisional, type Relocation } from "../../src/call/Relocation.ts"
import { join, participantId, place, resume } from "./Commands.ts"

const state: CallState = [0, 1, 2, 3].reduce(
  (state, index) =>
    Result.getOrThrow(CallDecision.join(state, join(index, { relay: place(`relay-${"ab"[index % 2]}`) }), 5)).state,
  empty
)
const plan = planOf(state)

const relocation = (participant: number, epoch: number, restores: number, relay: string): Relocation => ({
  participant: participantId(participant),
  epoch,
  restores,
  relay: place(relay)
})

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const relocations = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.schema(
      Schema.Struct({
        participant: between(0, 5),
        epoch: between(4, 7),
        restores: between(0, 2),
        relay: Schema.Literals(["relay-a", "relay-b", "relay-c", "relay-d"])
      })
    ),
    { maxLength: 6 }
  ),
  (drawn) => {
    // Of one participant a relay keeps the newest.
    const newest = new Map<number, Relocation>()
    for (const { epoch, participant, relay, restores } of drawn) {
      const known = newest.get(participant)
      const one = relocation(participant, epoch, restores, relay)
      if (known === undefined || LegAge.isNewer(one, known)) newest.set(participant, one)
    }
    return [...newest.values()]
  }
)

describe("Relocation", () => {
  it.prop("relays that know the same make the same plan of it, whatever came first", [relocations], ([known]) => {
    assert.deepStrictEqual(provisional(plan, known), provisional(plan, known.toReversed()))
  })

  it.prop("moves those whose relocation is newer than the plan, and nobody else", [relocations], ([known]) => {
    const made = provisional(plan, known)
    assert.deepStrictEqual(made.rows, plan.rows)
    for (const [index, participant] of made.participants.entries()) {
      const moved = known.find(
        (one) => one.participant === participant.id && (one.epoch > 5 || (one.epoch === 5 && one.restores > 0))
      )
      const { epoch, relay, restores } = plan.participants[index]!
      assert.strictEqual(participant.relay, moved?.relay.id ?? relay)
      assert.strictEqual(participant.epoch, moved?.epoch ?? epoch)
      assert.strictEqual(participant.restores, moved?.restores ?? restores)
    }
    assert.deepStrictEqual(
      new Set(made.relays.map(({ id }) => id)),
      new Set(made.participants.map(({ relay }) => relay))
    )
  })

  it("is what the actor says when it has confirmed it, and then ahead no more", () => {
    const command = resume(0, { epoch: 5, relay: place("relay-c") })
    const confirmed = planOf(Result.getOrThrow(CallDecision.resume(state, command)).state)
    const moved = relocation(0, 6, 0, "relay-c")
    const expected = provisional(plan, [moved])
    assert.deepStrictEqual({ ...confirmed, version: expected.version }, expected)
    assert.isTrue(isAhead(plan, moved))
    assert.isFalse(isAhead(confirmed, moved))
    assert.strictEqual(provisional(confirmed, [moved]), confirmed)
  })
})
