import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../src/call/CallState.ts"
import { carriedOn, nextRelay, planOf } from "../../src/call/ForwardingPlan.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import { decide, join, participantId, place, randomCommands, stream } from "./Commands.ts"

const relay = (name: string) => RelayId.make(name)

const stateAt = (...relays: ReadonlyArray<string>): CallState =>
  relays.reduce(
    (state, name, index) =>
      Result.getOrThrow(CallDecision.join(state, join(index, { relay: place(name) }), index)).state,
    empty
  )

describe("ForwardingPlan", () => {
  it("sends everybody's streams to everybody else", () => {
    const first = Result.getOrThrow(CallDecision.join(empty, join(1, { streams: [stream(1), stream(2)] }), 0))
    const plan = planOf(Result.getOrThrow(CallDecision.join(first.state, join(2, { streams: [] }), 0)).state)
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

  it.prop(
    "names the relays of its participants, each once, in the order in which they were needed",
    [randomCommands],
    ([commands]) => {
      let state = empty
      for (const command of commands) {
        const next = Result.getOrElse(decide(state, command, 7), () => ({ state })).state
        const relays = next.relays.map(({ id }) => id)
        assert.deepStrictEqual(new Set(relays), new Set(next.participants.map(({ relay }) => relay)))
        assert.strictEqual(new Set(relays).size, relays.length)
        const stayed = state.relays.map(({ id }) => id).filter((id) => relays.includes(id))
        assert.deepStrictEqual(relays.slice(0, stayed.length), stayed)
        state = next
      }
    }
  )

  it("the way between two relays is direct, that between more goes by the first", () => {
    const two = planOf(stateAt("relay-a", "relay-b"))
    assert.strictEqual(nextRelay(two, relay("relay-b"), relay("relay-a")), "relay-a")
    const three = planOf(stateAt("relay-a", "relay-b", "relay-c"))
    assert.strictEqual(nextRelay(three, relay("relay-b"), relay("relay-c")), "relay-a")
    assert.strictEqual(nextRelay(three, relay("relay-b"), relay("relay-a")), "relay-a")
    assert.strictEqual(nextRelay(three, relay("relay-a"), relay("relay-c")), "relay-c")
  })

  it("a hub of which nothing is heard is the hub no longer", () => {
    const state = stateAt("relay-a", "relay-b", "relay-c")
    const suspected = Result.getOrThrow(CallDecision.suspect(state, { relay: relay("relay-a") })).state
    assert.deepStrictEqual(
      suspected.relays.map(({ id }) => id),
      ["relay-b", "relay-c", "relay-a"].map(relay)
    )
    assert.strictEqual(suspected.version.number, state.version.number + 1)
    assert.strictEqual(Result.getOrThrow(CallDecision.suspect(state, { relay: relay("relay-b") })).state, state)
    const alone = stateAt("relay-a")
    assert.strictEqual(Result.getOrThrow(CallDecision.suspect(alone, { relay: relay("relay-a") })).state, alone)
  })

  it("holds back the audio of those who are not audible, and nothing else", () => {
    const streams = (n: number) => [
      stream(2 * n),
      new StreamDescription({ ssrc: 2 * n + 1, kind: "video", clockRate: 90_000, codec: "vp8" })
    ]
    const state = [1, 2, 3].reduce(
      (state, n) => Result.getOrThrow(CallDecision.join(state, join(n, { streams: streams(n) }), n)).state,
      empty
    )
    const plan = planOf(state, { revision: 5, audible: new Set([participantId(2)]), video: undefined })
    assert.strictEqual(plan.version.revision, 5)
    assert.deepStrictEqual(
      plan.rows.map(({ ssrc, to }) => [ssrc, to.length]),
      [
        [2, 0],
        [3, 2],
        [4, 2],
        [5, 2],
        [6, 0],
        [7, 2]
      ]
    )
  })

  it("an owner that has decided nothing yet leaves it as it was decided, but for who has come since", () => {
    const state = [1, 2, 3].reduce((state, n) => Result.getOrThrow(CallDecision.join(state, join(n), n)).state, empty)
    const before = planOf(state, { revision: 5, audible: new Set([participantId(2)]), video: undefined })
    const next = Result.getOrThrow(CallDecision.join(CallDecision.takeOver(state, 1000), join(4), 4)).state
    const carried = carriedOn(planOf(next), before)
    assert.deepStrictEqual(
      carried.rows.map(({ from, to }) => [from, to]),
      [
        [participantId(1), []],
        [participantId(2), [1, 3, 4].map(participantId)],
        [participantId(3), []],
        [participantId(4), [1, 2, 3].map(participantId)]
      ]
    )
    const alone = planOf(Result.getOrThrow(CallDecision.join(empty, join(1), 1)).state)
    assert.deepStrictEqual(carriedOn(planOf(state), alone), planOf(state))
    const decided = planOf(next, { revision: 1, audible: undefined, video: undefined })
    assert.strictEqual(carriedOn(decided, before), decided)
  })
})
