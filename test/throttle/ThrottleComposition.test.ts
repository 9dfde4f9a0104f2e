import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { QualityExtra } from "../../src/protocol/QualityExtra.ts"
import { Priority, rankOf } from "../../src/throttle/Priority.ts"
import { Refused } from "../../src/throttle/Refused.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import { both, only } from "../../src/throttle/ThrottleComposition.ts"

const whole = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const refusal = new Refused({ retryAfterMs: 1000, reason: "Limited" })

/** Refuses what is below a rank, and of one tenant all; withholds so many extras. */
const Policy = Schema.Struct({ rank: whole(9), tenant: whole(2), extras: whole(4), fullness: whole(3) })
const throttleOf = ({ extras, fullness, rank, tenant }: typeof Policy.Type): Throttle.Throttle["Service"] =>
  Throttle.make(
    (request) =>
      rankOf(request.priority) >= rank || request.tenant === `key-${tenant}` ? Effect.fail(refusal) : Effect.void,
    {
      withheld: Stream.make(QualityExtra.literals.slice(0, extras)),
      fullness: () => (fullness === 0 ? NaN : fullness / 3)
    }
  )
const open = Throttle.make(() => Effect.void)

const requests: ReadonlyArray<Throttle.AdmissionRequest> = Priority.literals.flatMap((priority) =>
  ["key-0", "key-1", "key-3"].map((tenant) => ({ priority, tenant, caller: "ada" }))
)

/** All that can be seen of a throttle. */
const behaviour = Effect.fnUntraced(function* ({ admit, fullness, withheld }: Throttle.Throttle["Service"]) {
  return {
    admits: yield* Effect.forEach(requests, (request) => Effect.isSuccess(admit(request))),
    withheld: (yield* Stream.runCollect(withheld)).at(-1),
    fullness: fullness()
  }
})

const assertSame = Effect.fnUntraced(function* (
  one: Throttle.Throttle["Service"],
  other: Throttle.Throttle["Service"]
) {
  assert.deepStrictEqual(yield* behaviour(one), yield* behaviour(other))
})

describe("throttles combine", () => {
  it.effect.prop("the open one changes nothing, on either side", [Policy], ([policy]) =>
    Effect.gen(function* () {
      const throttle = throttleOf(policy)
      yield* assertSame(both(open, throttle), throttle)
      yield* assertSame(both(throttle, open), throttle)
    })
  )

  it.effect.prop("brackets do not matter", [Policy, Policy, Policy], (policies) =>
    Effect.gen(function* () {
      const [a, b, c] = policies.map(throttleOf)
      yield* assertSame(both(both(a!, b!), c!), both(a!, both(b!, c!)))
    })
  )

  it.effect.prop("nor does the order, nor that one is there twice", [Policy, Policy], ([one, other]) =>
    Effect.gen(function* () {
      const [a, b] = [throttleOf(one), throttleOf(other)]
      yield* assertSame(both(a, b), both(b, a))
      yield* assertSame(both(a, a), a)
    })
  )

  it.effect.prop("both let in whom each lets in, and nobody else", [Policy, Policy], ([one, other]) =>
    Effect.gen(function* () {
      const [a, b] = [throttleOf(one), throttleOf(other)]
      const [of1, of2, ofBoth] = yield* Effect.all([behaviour(a), behaviour(b), behaviour(both(a, b))])
      assert.deepStrictEqual(
        ofBoth.admits,
        of1.admits.map((isIn, at) => isIn && of2.admits[at]!)
      )
    })
  )

  it.effect.prop("one that is meant for some leaves the others alone", [Policy], ([policy]) =>
    Effect.gen(function* () {
      const throttle = throttleOf(policy)
      const narrow = only(({ tenant }) => tenant === "key-3", throttle)
      for (const request of requests) {
        const isIn = yield* Effect.isSuccess(narrow.admit(request))
        const expected = request.tenant === "key-3" ? yield* Effect.isSuccess(throttle.admit(request)) : true
        assert.strictEqual(isIn, expected)
      }
    })
  )
})
