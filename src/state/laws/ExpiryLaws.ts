import { Effect, Option } from "effect"
import { empty } from "../../call/CallState.ts"
import * as CallVersion from "../../call/CallVersion.ts"
import type { CallId } from "../../protocol/Ids.ts"
import { CallStore, type CallStoreError } from "../CallStore.ts"
import { type Broken, expect, type Law, law } from "./Law.ts"
import { member, next, staleVersion, takenOver } from "./LawCalls.ts"

/** Of a life. */
const tenths = 10
/** By then a call is forgotten. */
const tenthsMax = 13

/**
 * What every store promises as time passes. `tenthOfLife` lets a tenth of a call's life pass, and the store do what it does
 * meanwhile: of virtual time, or of a short life in real time.
 */
export const expiryLaws = (tenthOfLife: Effect.Effect<void>): ReadonlyArray<Law> => {
  /** Tenths of a life until the call is forgotten, with something done in each. */
  const tenthsUntilForgotten = Effect.fnUntraced(function* (
    id: CallId,
    everyTenth: Effect.Effect<void, CallStoreError>
  ): Effect.fn.Return<number, Broken, CallStore> {
    const store = yield* CallStore
    for (let passed = 1; passed <= tenthsMax; passed++) {
      yield* tenthOfLife
      yield* everyTenth
      if ((yield* store.load(id)).participants.length === 0) return passed
    }
    return yield* Effect.fail(`after ${tenthsMax / tenths} lives a call that nobody keeps is still there`)
  })

  const forgetsTheIdle = law("forgets a call that is neither saved nor kept, after its life, and no other", (names) =>
    Effect.gen(function* () {
      const store = yield* CallStore
      const [idle, kept, written, unknown] = [names.call(), names.call(), names.call(), names.call()]
      const [idleAddress, keptAddress] = [names.address(), names.address()]
      const [first, second] = [next(empty, member(1, idleAddress)), next(empty, member(2, keptAddress))]
      let third = next(empty, member(3, names.address()))
      yield* store.save(idle, first, CallVersion.none)
      yield* store.save(kept, second, CallVersion.none)
      yield* store.save(written, third, CallVersion.none)
      yield* store.checkpoint(idle, Uint8Array.of(1))
      yield* store.checkpoint(kept, Uint8Array.of(2))
      const everyTenth = Effect.gen(function* () {
        yield* store.keep([unknown, kept])
        const changed = takenOver(third, 0)
        yield* store.save(written, changed, third.version)
        third = changed
      })
      const passed = yield* tenthsUntilForgotten(idle, everyTenth)
      if (passed < tenths) return yield* Effect.fail(`a call is forgotten after ${passed / tenths} of its life`)
      yield* expect("findByAddress in a forgotten call", yield* store.findByAddress(idleAddress), Option.none())
      yield* expect("loadCheckpoint of a forgotten call", yield* store.loadCheckpoint(idle), Option.none())

      const found = yield* store.findByAddress(keptAddress)
      const participant = second.participants[0]!.id
      yield* expect("load of a call that was kept", yield* store.load(kept), second)
      yield* expect("findByAddress in a call that was kept", found, Option.some({ call: kept, participant }))
      const checkpoint = Option.map(yield* store.loadCheckpoint(kept), (bytes) => [...bytes])
      yield* expect("loadCheckpoint of a call that was kept", checkpoint, Option.some([2]))
      yield* expect("load of a call that was saved again and again", yield* store.load(written), third)
      yield* expect("load of a call that was kept and never saved", yield* store.load(unknown), empty)

      const owner = yield* staleVersion(store.save(idle, next(first, member(4, idleAddress)), first.version))
      yield* expect("version that the owner of a forgotten call is told", owner, Option.some(CallVersion.none))
      const again = next(empty, member(5, idleAddress))
      yield* store.save(idle, again, CallVersion.none)
      yield* expect("load of a call that begins anew", yield* store.load(idle), again)
    })
  )

  const forgetsMany = law("forgets many calls at a time", (names) =>
    Effect.gen(function* () {
      const store = yield* CallStore
      const ids = Array.from({ length: 250 }, names.call)
      const address = names.address()
      const state = next(empty, member(1, address))
      yield* Effect.forEach(ids, (id) => store.save(id, state, CallVersion.none), { concurrency: 10 })
      yield* tenthsUntilForgotten(ids[0]!, Effect.void)
      for (const id of ids) yield* expect("load of one of many forgotten calls", yield* store.load(id), empty)
      yield* expect("findByAddress in them", yield* store.findByAddress(address), Option.none())
    })
  )

  return [forgetsTheIdle, forgetsMany]
}
