import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { CallState, empty, findParticipant, participantsMax, RelayPlace } from "../../src/call/CallState.ts"
import type * as CallCommand from "../../src/call/CallCommand.ts"
import { planOf } from "../../src/call/ForwardingPlan.ts"
import * as LegAge from "../../src/call/LegAge.ts"
import * as PlanVersion from "../../src/call/PlanVersion.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import { decide, join, participantId, place, randomCommands, restore, resume, stream } from "./Commands.ts"

const stateAfter = (...joins: ReadonlyArray<CallCommand.Join>): CallState =>
  joins.reduce((state, command) => Result.getOrThrow(CallDecision.join(state, command, 0)).state, empty)

const refusal = (result: Result.Result<unknown, CallDecision.Refusal>): string =>
  Result.isFailure(result) ? result.failure._tag : "not refused"

const many = { arbitrary: { size: 60 } }

/** The first epoch is made of the time: so few times that the epochs of random commands meet it. */
const timeOf = (step: number): number => step & 3

describe("CallDecision", () => {
  it.prop(
    "random commands keep the call whole",
    [randomCommands],
    ([commands]) => {
      let state = empty
      commands.forEach((command, step) => {
        const result = decide(state, command, timeOf(step))
        if (Result.isFailure(result)) return
        const { state: next } = result.success
        const plan = planOf(next)
        assert.deepStrictEqual(plan.version, PlanVersion.of(next.version, 0))
        if (next !== state) {
          assert.strictEqual(next.version.number, state.version.number + 1)
          assert.strictEqual(next.version.ownerEpoch, state.version.ownerEpoch)
          assert.notDeepEqual(next.participants, state.participants, "a change that changes nothing is no change")
        }
        const ids = next.participants.map(({ id }) => id)
        const ssrcs = next.participants.flatMap(({ streams }) => streams.map(({ ssrc }) => ssrc))
        assert.strictEqual(new Set(ids).size, ids.length)
        assert.strictEqual(new Set(ssrcs).size, ssrcs.length)
        assert.isAtMost(ids.length, participantsMax)
        assert.deepStrictEqual(new Set(plan.rows.map(({ ssrc }) => ssrc)), new Set(ssrcs))
        for (const { from, to } of plan.rows) {
          assert.include(ids, from)
          assert.deepStrictEqual(
            to,
            ids.filter((id) => id !== from)
          )
        }
        state = next
      })
    },
    many
  )

  it.prop(
    "a command that succeeded changes nothing when it is repeated at once",
    [randomCommands],
    ([commands]) => {
      let state = empty
      commands.forEach((command, step) => {
        const first = decide(state, command, timeOf(step))
        if (Result.isFailure(first)) return
        const again = decide(first.success.state, command, timeOf(step) + 1)
        assert.isTrue(Result.isSuccess(again))
        assert.strictEqual(Result.getOrThrow(again).state, first.success.state)
        state = first.success.state
      })
    },
    many
  )

  it.prop(
    "a leg never grows younger while its participant is there, and every new leg is newer",
    [randomCommands],
    ([commands]) => {
      let state = empty
      commands.forEach((command, step) => {
        const next = Result.match(decide(state, command, timeOf(step)), {
          onFailure: () => state,
          onSuccess: (decision) => decision.state
        })
        for (const before of state.participants) {
          const after = findParticipant(next, before.id)
          if (after === undefined) continue
          assert.isFalse(LegAge.isNewer(before, after))
          if (after.relay !== before.relay) assert.isTrue(LegAge.isNewer(after, before))
          if (after.legTag !== before.legTag) assert.isAbove(after.epoch, before.epoch)
        }
        state = next
      })
    },
    many
  )

  it.prop(
    "the state survives the way to the store and back",
    [randomCommands],
    ([commands]) => {
      const state = commands.reduce(
        (state, command) => Result.getOrElse(decide(state, command, 7), () => ({ state })).state,
        empty
      )
      const json = Schema.encodeSync(Schema.fromJsonString(CallState))(state)
      assert.deepStrictEqual(Schema.decodeSync(Schema.fromJsonString(CallState))(json), state)
    },
    many
  )

  it("refuses the one too many, but not one that is in already", () => {
    const full = stateAfter(...Array.from({ length: participantsMax }, (_, index) => join(index)))
    assert.strictEqual(full.participants.length, participantsMax)
    assert.strictEqual(refusal(CallDecision.join(full, join(participantsMax), 0)), "CallFull")
    assert.isTrue(Result.isSuccess(CallDecision.join(full, join(7, { legTag: 1 }), 0)))
  })

  it("refuses an SSRC that another sends, or that is declared twice", () => {
    const state = stateAfter(join(1))
    const taken = CallDecision.join(state, join(2, { streams: [stream(1), stream(3001)] }), 0)
    assert.strictEqual(
      Result.isFailure(taken) && taken.failure.message,
      "the SSRC 3001 is taken in this call: choose another"
    )
    assert.strictEqual(refusal(CallDecision.join(state, join(2, { streams: [stream(1), stream(1)] }), 0)), "SsrcTaken")
    assert.strictEqual(refusal(CallDecision.join(state, join(1, { legTag: 9 }), 0)), "not refused")
  })

  it("refuses streams that contradict each other, and says why", () => {
    const layer = (ssrc: number, number: number, change: object = {}) =>
      new StreamDescription({
        ssrc,
        kind: "video",
        clockRate: 90_000,
        codec: "vp8",
        simulcast: { source: 7, layer: number, heightPixels: 0, maxKbps: 0 },
        ...change
      })
    const reasonOf = (...streams: ReadonlyArray<StreamDescription>) => {
      const decided = CallDecision.join(empty, join(1, { streams }), 0)
      return Result.isFailure(decided) ? decided.failure.message : "not refused"
    }
    assert.strictEqual(reasonOf(layer(1, 0), layer(2, 2), stream(3)), "not refused")
    assert.strictEqual(reasonOf(layer(1, 0), layer(2, 0)), "source 7 has two streams for its layer 0")
    assert.strictEqual(
      reasonOf(layer(1, 1, { kind: "audio" })),
      "the stream 1 is audio: only video has simulcast layers"
    )
    assert.strictEqual(
      reasonOf(layer(1, 0), layer(2, 1, { codec: "vp9" })),
      "the layers of source 7 differ in codec or clock rate"
    )
    assert.throws(() => layer(1, 3))
  })

  it("a device that joins again takes its own place with a newer epoch", () => {
    const state = stateAfter(join(1), join(2), join(1, { legTag: 9, streams: [stream(5)] }))
    assert.deepStrictEqual(
      state.participants.map(({ id, epoch, legTag }) => [id, epoch, legTag]),
      [
        [participantId(1), 2, 9],
        [participantId(2), 1, 1002]
      ]
    )
    assert.deepStrictEqual(state.participants[0]?.streams, [stream(5)])
  })

  it("a device that has left and comes back does not start at an epoch that it had", () => {
    const atMs = 1_800_000_000_000
    const first = Result.getOrThrow(CallDecision.join(empty, join(1), atMs))
    const resumed = Result.getOrThrow(CallDecision.resume(first.state, resume(1, { epoch: first.epoch })))
    const { id, legTag } = resumed.state.participants[0]!
    const left = Result.getOrThrow(CallDecision.leave(resumed.state, { id, legTag, restores: 0 })).state
    const again = Result.getOrThrow(CallDecision.join(left, join(1), atMs + 1000))
    assert.isAbove(again.epoch, resumed.epoch)
    assert.strictEqual(refusal(CallDecision.resume(again.state, resume(1, { epoch: first.epoch }))), "StaleEpoch")
    assert.strictEqual(Result.getOrThrow(CallDecision.join(empty, join(1), 2 ** 31 * 838)).epoch, 1, "never 0")
  })

  it("of two resumes with one ticket the first wins, and its repetition is answered alike", () => {
    const state = stateAfter(join(1))
    const resumed = Result.getOrThrow(CallDecision.resume(state, resume(1))).state
    assert.strictEqual(resumed.participants[0]?.epoch, 2)
    assert.strictEqual(resumed.participants[0]?.relay, "relay-b")
    assert.strictEqual(Result.getOrThrow(CallDecision.resume(resumed, resume(1))).state, resumed)
    assert.strictEqual(refusal(CallDecision.resume(resumed, resume(1, { legTag: 77 }))), "StaleEpoch")
    assert.strictEqual(refusal(CallDecision.resume(empty, resume(1))), "UnknownParticipant")
  })

  it("a leg of the past neither moves the participant nor takes it out", () => {
    const state = stateAfter(join(1))
    const resumed = Result.getOrThrow(CallDecision.resume(state, resume(1))).state
    const address = "192.0.2.1:1"
    const old = { id: participantId(1), legTag: 1001, restores: 0 }
    const present = { id: participantId(1), legTag: 4001, restores: 0 }
    assert.strictEqual(refusal(CallDecision.move(resumed, { ...old, address })), "StaleEpoch")
    assert.strictEqual(Result.getOrThrow(CallDecision.leave(resumed, old)).state, resumed)
    const moved = Result.getOrThrow(CallDecision.move(resumed, { ...present, address })).state
    assert.strictEqual(moved.participants[0]?.address, address)
    assert.strictEqual(refusal(CallDecision.move(empty, { ...present, address })), "UnknownParticipant")
    assert.deepStrictEqual(Result.getOrThrow(CallDecision.leave(moved, present)).state.participants, [])
  })

  it("of two relays that would go on with a leg the first does, and its repetition is answered alike", () => {
    const state = stateAfter(join(1))
    const before = state.participants[0]!
    const restored = Result.getOrThrow(CallDecision.restore(state, restore(1)))
    assert.deepStrictEqual({ ...restored.state.participants[0] }, { ...before, relay: "relay-b", restores: 1 })
    assert.deepStrictEqual([restored.epoch, restored.restores], [before.epoch, 1])
    assert.strictEqual(Result.getOrThrow(CallDecision.restore(restored.state, restore(1))).state, restored.state)
    const byAnother = restore(1, { relay: place("relay-c") })
    assert.strictEqual(refusal(CallDecision.restore(restored.state, byAnother)), "StaleEpoch")
    assert.strictEqual(refusal(CallDecision.restore(empty, restore(1))), "UnknownParticipant")
    assert.strictEqual(refusal(CallDecision.restore(state, restore(1, { legTag: 77 }))), "StaleEpoch")
  })

  it("a relay that has started again is told from one that asks twice", () => {
    const once = Result.getOrThrow(CallDecision.restore(stateAfter(join(1)), restore(1))).state
    const startedAgain = new RelayPlace({ ...place("relay-b"), tag: 4711 })
    assert.strictEqual(refusal(CallDecision.restore(once, restore(1, { relay: startedAgain }))), "StaleEpoch")
    const twice = Result.getOrThrow(CallDecision.restore(once, restore(1, { relay: startedAgain, restores: 1 })))
    assert.strictEqual(twice.restores, 2)
    assert.deepStrictEqual(twice.state.relays, [startedAgain])
  })

  it("a ticket outlives the restores of its leg, and the next leg has had none", () => {
    const restored = Result.getOrThrow(CallDecision.restore(stateAfter(join(1)), restore(1))).state
    const resumed = Result.getOrThrow(CallDecision.resume(restored, resume(1, { relay: place("relay-c") })))
    assert.deepStrictEqual([resumed.epoch, resumed.restores], [2, 0])
    assert.strictEqual(refusal(CallDecision.restore(resumed.state, restore(1, { restores: 1 }))), "StaleEpoch")
  })

  it("a relay whose leg has gone on elsewhere cannot say that its device has left", () => {
    const restored = Result.getOrThrow(CallDecision.restore(stateAfter(join(1)), restore(1))).state
    const { id, legTag } = restored.participants[0]!
    const old = CallDecision.leave(restored, { id, legTag, restores: 0 })
    assert.strictEqual(Result.getOrThrow(old).state, restored)
    const present = CallDecision.leave(restored, { id, legTag, restores: 1 })
    assert.deepStrictEqual(Result.getOrThrow(present).state.participants, [])
  })
})
