import { Arbitrary, Effect, Option, Schema } from "effect"
import { CallState, empty } from "../../call/CallState.ts"
import * as CallVersion from "../../call/CallVersion.ts"
import { CallId } from "../../protocol/Ids.ts"
import { CallStore } from "../CallStore.ts"
import { expect, type Law, law, lawOfAll } from "./Law.ts"
import { member, next, staleVersion, takenOver } from "./LawCalls.ts"
import { mapLaw } from "./MapLaw.ts"

export { expiryLaws } from "./ExpiryLaws.ts"
export { type Law, LawBroken } from "./Law.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const unknownCall = law("an unknown call is empty and can be forgotten", (names) =>
  Effect.gen(function* () {
    const store = yield* CallStore
    const id = names.call()
    yield* expect("load of an unknown call", yield* store.load(id), empty)
    yield* store.remove(id, CallVersion.none)
    yield* store.checkpoint(id, Uint8Array.of(1))
    yield* store.keep([])
    yield* store.keep([id])
    yield* expect("load of an unknown call that was kept", yield* store.load(id), empty)
    yield* expect("loadCheckpoint of an unknown call", yield* store.loadCheckpoint(id), Option.none())
    yield* expect("findByAddress of nobody's address", yield* store.findByAddress(names.address()), Option.none())
  })
)

/** Whatever the types allow, but for the character 0, which PostgreSQL does not take in text. */
const anyState = Arbitrary.schema(CallState).pipe(
  Arbitrary.map(({ participants, relays, version }) => {
    const ids = participants.map(({ id }) => id)
    return new CallState({
      version: CallVersion.next(version),
      relays,
      participants: participants.filter(({ id }, index) => ids.indexOf(id) === index && !id.includes("\0"))
    })
  })
)
/** Of what is something else to a path, a key, a pattern or a URL. */
const anyName = Arbitrary.schema(
  Schema.Array(Schema.Literals(["a", "A", " ", "%", "_", ":", "/", "*", "'", "\\", "é", "😀"])).check(
    Schema.isMaxLength(8)
  )
).pipe(Arbitrary.map((characters) => characters.join("")))

const wholeCall = lawOfAll(
  "a call is loaded as it was saved, whatever is in it and however it is called",
  Arbitrary.all({ name: anyName, state: anyState }),
  (names, { name, state }) =>
    Effect.gen(function* () {
      const store = yield* CallStore
      const id = CallId.make(`${names.call()} ${name}`)
      yield* store.save(id, state, CallVersion.none)
      yield* expect("load after save", yield* store.load(id), state)
      for (const similar of [id.toUpperCase(), `${id} `]) {
        yield* expect("load of a call of a similar name", yield* store.load(CallId.make(similar)), empty)
      }
      yield* store.remove(id, state.version)
      yield* expect("load after remove", yield* store.load(id), empty)
    })
)

const oneWinner = lawOfAll(
  "of several who write at once exactly one wins",
  Arbitrary.schema(Schema.Struct({ writers: between(2, 8), isFirstWrite: Schema.Boolean })),
  (names, { isFirstWrite, writers }) =>
    Effect.gen(function* () {
      const store = yield* CallStore
      const id = names.call()
      const before = isFirstWrite ? empty : next(empty, member(100, names.address()))
      if (!isFirstWrite) yield* store.save(id, before, CallVersion.none)
      const states = Array.from({ length: writers }, (_, index) => next(before, member(index, names.address())))
      const refused = yield* Effect.forEach(states, (state) => staleVersion(store.save(id, state, before.version)), {
        concurrency: "unbounded"
      })
      const winners = states.filter((_, index) => Option.isNone(refused[index]!))
      yield* expect("number of writers who were not refused", winners.length, 1)
      yield* expect("load after writes at once", yield* store.load(id), winners[0]!)
      for (const stored of refused.flatMap(Option.toArray)) {
        yield* expect("version that a refused writer is told", stored, winners[0]!.version)
      }
    })
)

const saveOrRemove = law("whoever writes while another removes is refused, or the other is", (names) =>
  Effect.gen(function* () {
    const store = yield* CallStore
    const id = names.call()
    const before = next(empty, member(1, names.address()))
    const after = next(before, member(2, names.address()))
    yield* store.save(id, before, CallVersion.none)
    const [saved, removed] = yield* Effect.all(
      [staleVersion(store.save(id, after, before.version)), staleVersion(store.remove(id, before.version))],
      { concurrency: "unbounded" }
    )
    yield* expect("the remove is refused", Option.isSome(removed), Option.isNone(saved))
    yield* expect("load after save and remove at once", yield* store.load(id), Option.isNone(saved) ? after : empty)
  })
)

const formerOwner = law("an owner of the past is refused, though it counts as far as the present one", (names) =>
  Effect.gen(function* () {
    const store = yield* CallStore
    const id = names.call()
    const former = next(takenOver(empty, 1_000), member(1, names.address()))
    yield* store.save(id, former, CallVersion.none)
    yield* store.remove(id, former.version)
    const present = next(takenOver(empty, 2_000), member(2, names.address()))
    yield* store.save(id, present, CallVersion.none)
    yield* expect("number of the present owner", present.version.number, former.version.number)
    const refusal = Option.some(present.version)
    const late = next(former, member(3, names.address()))
    yield* expect("save of a former owner", yield* staleVersion(store.save(id, late, former.version)), refusal)
    yield* expect("remove of a former owner", yield* staleVersion(store.remove(id, former.version)), refusal)
    yield* expect("load after both", yield* store.load(id), present)
  })
)

const lastAtAddress = law(
  "of two at one address the one who has joined last is found, and the other when that one leaves",
  (names) =>
    Effect.gen(function* () {
      const store = yield* CallStore
      const [early, late, address] = [names.call(), names.call(), names.address()]
      const [first, second] = [member(1, address, 1), member(1, address, 2)]
      const both = next(empty, second)
      const participant = first.id
      yield* store.save(late, both, CallVersion.none)
      yield* store.save(early, next(empty, first), CallVersion.none)
      yield* expect("findByAddress", yield* store.findByAddress(address), Option.some({ call: late, participant }))
      yield* store.remove(late, both.version)
      yield* expect(
        "findByAddress when the last has left",
        yield* store.findByAddress(address),
        Option.some({ call: early, participant })
      )
      yield* store.remove(early, next(empty, first).version)
      yield* expect("findByAddress when both have left", yield* store.findByAddress(address), Option.none())
    })
)

const checkpoints = lawOfAll(
  "keeps the last checkpoint of a call as long as the call",
  Arbitrary.all([Arbitrary.schema(Schema.Uint8Array), Arbitrary.schema(Schema.Uint8Array)]),
  (names, [first, last]) =>
    Effect.gen(function* () {
      const store = yield* CallStore
      const id = names.call()
      yield* store.checkpoint(id, first)
      yield* expect("loadCheckpoint without a call", yield* store.loadCheckpoint(id), Option.none())
      const state = next(empty, member(1, names.address()))
      yield* store.save(id, state, CallVersion.none)
      yield* store.checkpoint(id, first)
      const bytes = last.slice()
      yield* store.checkpoint(id, bytes)
      // The caller may use its bytes again.
      bytes.fill(255)
      const changed = next(state, member(2, names.address()))
      yield* store.save(id, changed, state.version)
      const kept = Option.map(yield* store.loadCheckpoint(id), (bytes) => [...bytes])
      yield* expect("loadCheckpoint after a save", kept, Option.some([...last]))
      yield* store.remove(id, changed.version)
      yield* expect("loadCheckpoint after remove", yield* store.loadCheckpoint(id), Option.none())
    })
)

/** What every store promises at any moment. */
export const laws: ReadonlyArray<Law> = [
  unknownCall,
  wholeCall,
  mapLaw,
  oneWinner,
  saveOrRemove,
  formerOwner,
  lastAtAddress,
  checkpoints
]
