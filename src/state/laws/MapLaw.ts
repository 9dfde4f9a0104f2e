import { Arbitrary, Effect, Option, Schema } from "effect"
import { type CallState, empty, type Participant } from "../../call/CallState.ts"
import * as CallVersion from "../../call/CallVersion.ts"
import type { CallId } from "../../protocol/Ids.ts"
import { type AddressOwner, CallStore } from "../CallStore.ts"
import { expect, lawOfAll } from "./Law.ts"
import { member, next, staleVersion } from "./LawCalls.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Few calls, people and addresses, so that they meet; and writers who do not know the stored version. */
const Step = Schema.Struct({
  call: between(0, 2),
  members: Schema.Array(
    Schema.Struct({ participant: between(0, 5), address: between(0, 3), joined: between(0, 3) })
  ).check(Schema.isMaxLength(4)),
  expected: Schema.Literals(["stored", "stored", "stored", "none", "later", "of another owner"])
})
type Step = typeof Step.Type

const membersOf = ({ members }: Step, step: number, addresses: ReadonlyArray<string>): ReadonlyArray<Participant> =>
  members
    .filter(({ participant }, index) => members.findIndex((other) => other.participant === participant) === index)
    // No two at the same time, and who is saved later has not always joined later.
    .map(({ address, joined, participant }, index) =>
      member(participant, addresses[address]!, joined * 10_000 + step * 10 + index)
    )

const expectedBy = ({ expected }: Step, { ownerEpoch, number }: CallVersion.CallVersion): CallVersion.CallVersion => {
  switch (expected) {
    case "stored":
      return new CallVersion.CallVersion({ ownerEpoch, number })
    case "none":
      return CallVersion.none
    case "later":
      return new CallVersion.CallVersion({ ownerEpoch, number: number + 1 })
    case "of another owner":
      return new CallVersion.CallVersion({ ownerEpoch: ownerEpoch + 1, number })
  }
}

const ownerOf = (model: ReadonlyMap<CallId, CallState>, address: string): Option.Option<AddressOwner> => {
  const claims = [...model].flatMap(([call, { participants }]) =>
    participants.filter((claim) => claim.address === address).map((claim) => ({ call, claim }))
  )
  const last = claims.sort((left, right) => left.claim.joinedAtMs - right.claim.joinedAtMs).at(-1)
  return Option.map(Option.fromUndefinedOr(last), ({ call, claim }) => ({ call, participant: claim.id }))
}

export const mapLaw = lawOfAll(
  "does what a map with versions does, and finds whoever is at an address",
  Arbitrary.array(Arbitrary.schema(Step), { maxLength: 60 }),
  (names, steps) =>
    Effect.gen(function* () {
      const store = yield* CallStore
      const ids = [names.call(), names.call(), names.call()] as const
      const addresses = Array.from({ length: 4 }, names.address)
      const model = new Map<CallId, CallState>(ids.map((id) => [id, empty]))
      for (const [index, step] of steps.entries()) {
        const id = ids[step.call]!
        const state = model.get(id)!
        const members = membersOf(step, index, addresses)
        const after = members.length > 0 ? next(state, ...members) : empty
        const expected = expectedBy(step, state.version)
        const isStale = !CallVersion.equals(expected, state.version)
        const refused = yield* staleVersion(
          members.length > 0 ? store.save(id, after, expected) : store.remove(id, expected)
        )
        const write = `${members.length > 0 ? "save" : "remove"} that expects the version ${step.expected}`
        yield* expect(`stale version of a ${write}`, refused, isStale ? Option.some(state.version) : Option.none())
        if (!isStale) model.set(id, after)

        yield* expect(`load after a ${write}`, yield* store.load(id), model.get(id)!)
        for (const address of addresses) {
          const found = yield* store.findByAddress(address)
          yield* expect(`findByAddress after a ${write}`, found, ownerOf(model, address))
        }
      }
    })
)
