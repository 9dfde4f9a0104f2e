import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { CallState, empty } from "../../../src/call/CallState.ts"
import * as CallVersion from "../../../src/call/CallVersion.ts"
import { CallId } from "../../../src/protocol/Ids.ts"
import * as CallStore from "../../../src/state/CallStore.ts"
import * as CallStoreLaws from "../../../src/state/laws/CallStoreLaws.ts"

type Store = CallStore.CallStore["Service"]

const withoutRelays = (state: CallState) => new CallState({ ...state, relays: [] })

/** A way to break a store, with parts of the names of laws that notice it. */
interface Break {
  readonly how: string
  readonly laws: ReadonlyArray<string>
  readonly change: (store: Store) => Partial<Store>
}

const breaks: readonly [Break, ...ReadonlyArray<Break>] = [
  {
    how: "saves whatever is expected",
    laws: ["map with versions", "exactly one wins", "owner of the past", "after its life"],
    change: ({ load, save }) => ({
      save: (id, state) => Effect.flatMap(load(id), ({ version }) => save(id, state, version))
    })
  },
  {
    how: "removes whatever is expected",
    laws: ["map with versions", "owner of the past", "while another removes"],
    change: ({ load, remove }) => ({ remove: (id) => Effect.flatMap(load(id), ({ version }) => remove(id, version)) })
  },
  {
    how: "compares versions by their numbers alone",
    laws: ["map with versions", "owner of the past"],
    change: ({ load, save }) => ({
      save: (id, state, expected) =>
        Effect.flatMap(load(id), ({ version }) =>
          save(id, state, version.number === expected.number ? version : expected)
        )
    })
  },
  {
    how: "loads what it has compared a moment ago",
    laws: ["exactly one wins"],
    change: ({ load, save }) => ({
      save: Effect.fnUntraced(function* (id, state, expected) {
        const { version } = yield* load(id)
        yield* Effect.yieldNow
        const isStale = !CallVersion.equals(version, expected)
        yield* save(id, state, isStale ? expected : (yield* load(id)).version)
      })
    })
  },
  {
    how: "does not keep all of a state",
    laws: ["loaded as it was saved"],
    change: ({ save }) => ({ save: (id, state, expected) => save(id, withoutRelays(state), expected) })
  },
  {
    how: "takes two names for one",
    laws: ["loaded as it was saved"],
    change: ({ load, save }) => ({
      load: (id) => load(CallId.make(id.trim())),
      save: (id, state, expected) => save(CallId.make(id.trim()), state, expected)
    })
  },
  {
    how: "finds the call that was saved last",
    laws: ["map with versions", "joined last"],
    change: ({ save }) => {
      const owners = new Map<string, CallStore.AddressOwner>()
      return {
        save: (id, state, expected) =>
          Effect.tap(save(id, state, expected), () =>
            Effect.sync(() => {
              for (const { address, id: participant } of state.participants) {
                owners.set(address, { call: id, participant })
              }
            })
          ),
        findByAddress: (address) => Effect.sync(() => Option.fromUndefinedOr(owners.get(address)))
      }
    }
  },
  {
    how: "keeps checkpoints beside the calls",
    laws: ["an unknown call", "the last checkpoint", "after its life"],
    change: () => {
      const checkpoints = new Map<CallId, Uint8Array>()
      return {
        checkpoint: (id, bytes) => Effect.sync(() => void checkpoints.set(id, bytes)),
        loadCheckpoint: (id) => Effect.sync(() => Option.fromUndefinedOr(checkpoints.get(id)))
      }
    }
  },
  {
    how: "takes the caller's bytes for its own",
    laws: ["the last checkpoint"],
    change: ({ checkpoint, loadCheckpoint }) => {
      const held = new Map<CallId, Uint8Array>()
      return {
        checkpoint: (id, bytes) =>
          Effect.andThen(
            checkpoint(id, bytes),
            Effect.sync(() => void held.set(id, bytes))
          ),
        loadCheckpoint: (id) =>
          Effect.map(loadCheckpoint(id), (stored) => Option.map(stored, (bytes) => held.get(id) ?? bytes))
      }
    }
  },
  { how: "keeps nothing", laws: ["after its life"], change: () => ({ keep: () => Effect.void }) },
  {
    how: "keeps what is not there",
    laws: ["after its life"],
    change: ({ keep, load, save }) => ({
      keep: (ids) =>
        Effect.andThen(
          keep(ids),
          Effect.forEach(ids, (id) =>
            Effect.flatMap(load(id), (state) =>
              state === empty
                ? save(id, new CallState({ ...empty, version: CallVersion.next(CallVersion.none) }), CallVersion.none)
                : Effect.void
            )
          )
        )
    })
  },
  {
    how: "dies",
    laws: ["an unknown call", "loaded as it was saved", "after its life"],
    change: () => ({ load: () => Effect.die("no") })
  }
]

const laws = [...CallStoreLaws.laws, ...CallStoreLaws.expiryLaws(TestClock.adjust("1 minute"))]

const lawNamed = (part: string) => laws.find(({ name }) => name.includes(part))!

/** What is said of each law that is broken. */
const brokenLaws = Effect.map(
  Effect.forEach(laws, ({ check }) => Effect.result(check())),
  (results) => Arr.getFailures(results).map(({ message }) => message)
)

const broken = (change: (store: Store) => Partial<Store>) =>
  Layer.effect(
    CallStore.CallStore,
    Effect.map(CallStore.CallStore, (store) => CallStore.CallStore.of({ ...store, ...change(store) }))
  ).pipe(Layer.provide(CallStore.layerMemory))

const [savesAnyway] = breaks

describe("CallStoreLaws", () => {
  for (const { how, laws, change } of breaks) {
    it.effect(`notice a store that ${how}`, () =>
      Effect.gen(function* () {
        const said = yield* brokenLaws
        for (const law of laws) assert.include(said.join("\n"), law)
      }).pipe(Effect.provide(broken(change)))
    )
  }

  it.effect.each([5, 20])("notice a store in which calls live for %d minutes instead of ten", (minutes) =>
    Effect.gen(function* () {
      const said = yield* brokenLaws
      assert.include(said.join("\n"), minutes < 10 ? "is forgotten after 0." : "is still there")
      for (const text of said) assert.match(text, /^forgets/)
    }).pipe(Effect.provide(CallStore.layerMemoryWith({ lifeMs: minutes * 60_000 })))
  )

  it.effect("say what is wrong, with as little as possible, and how to have it again", () =>
    Effect.gen(function* () {
      const { check, name } = lawNamed("exactly one wins")
      const { law, message } = yield* Effect.flip(check())
      assert.strictEqual(law, name)
      const [what, input, again] = message.split("\n")
      assert.strictEqual(what, `${name}: number of writers who were not refused: expected 1, got 2`)
      assert.strictEqual(input, 'with {"writers":2,"isFirstWrite":false}')
      const replay: string = JSON.parse(/^Again: check\(\{ replay: (".*") \}\)$/.exec(again!)![1]!)
      assert.strictEqual((yield* Effect.flip(check({ replay }))).message, message)
    }).pipe(Effect.provide(broken(savesAnyway.change)))
  )

  it.effect("hold of one store as often as they are checked", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* brokenLaws, [])
      assert.deepStrictEqual(yield* brokenLaws, [])
    }).pipe(Effect.provide(CallStore.layerMemory))
  )
})
