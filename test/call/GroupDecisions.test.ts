import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as GroupDecisions from "../../src/call/GroupDecisions.ts"
import * as AudibleSpeakers from "../../src/call/AudibleSpeakers.ts"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../src/call/CallState.ts"
import * as Volumes from "../../src/call/Volumes.ts"
import { join, participantId } from "./Commands.ts"

const turnMs = 200
const loud = 25
const quiet = 70

const callOf = (size: number): CallState =>
  Array.from({ length: size }, (_, n) => n).reduce(
    (state, n) => Result.getOrThrow(CallDecision.join(state, join(n), n)).state,
    empty
  )

/** Reports every 200 ms: these talk, the others who know how loud they are do not. */
const report = (
  group: GroupDecisions.GroupDecisions,
  state: CallState,
  fromMs: number,
  forMs: number,
  talking: ReadonlyArray<number>,
  knowing = state.participants.map((_, n) => n)
): number => {
  let decisions = 0
  for (let nowMs = fromMs; nowMs < fromMs + forMs; nowMs += turnMs) {
    const volumes = knowing.map((n) => ({
      legTag: state.participants[n]!.legTag,
      // Speech goes up and down.
      levels: Uint8Array.from({ length: 10 }, (_, i) => (talking.includes(n) ? loud + (i % 5) : quiet))
    }))
    GroupDecisions.handleVolumes(group, state, Volumes.encode(volumes), nowMs)
    if (GroupDecisions.decide(group, state, new Map(), nowMs)) decisions++
  }
  return decisions
}

const audibleOf = ({ decision }: GroupDecisions.GroupDecisions) => decision.audible && [...decision.audible]

describe("GroupDecisions", () => {
  it("chooses nobody where everybody can be heard, and says so once", () => {
    for (const size of [3, AudibleSpeakers.audibleMax + 1]) {
      const group = GroupDecisions.make()
      assert.strictEqual(report(group, callOf(size), 0, 5000, [0]), 1)
      assert.isUndefined(audibleOf(group))
      assert.strictEqual(group.decision.revision, 1)
    }
    const two = GroupDecisions.make()
    assert.strictEqual(report(two, callOf(2), 0, 5000, [0]), 0)
    assert.strictEqual(two.decision.revision, 0)
  })

  it("in a large call lets those be heard who talk, four at most", () => {
    const group = GroupDecisions.make()
    const state = callOf(20)
    report(group, state, 0, 3000, [3, 7])
    assert.includeMembers(audibleOf(group)!, [participantId(3), participantId(7)])
    report(group, state, 3000, 3000, [10, 11, 12, 13, 14, 15])
    assert.isAtMost(audibleOf(group)!.length, AudibleSpeakers.audibleMax)
  })

  it("listens for a second before it says anything, and then says only what is new", () => {
    const group = GroupDecisions.make()
    const state = callOf(20)
    assert.strictEqual(report(group, state, 0, 1000, [3]), 0)
    assert.isAtLeast(report(group, state, 1000, 2000, [3]), 1)
    const { revision } = group.decision
    assert.strictEqual(report(group, state, 3000, 5000, [3]), 0)
    assert.strictEqual(group.decision.revision, revision)
  })

  it("who does not know how loud he is is heard always", () => {
    const group = GroupDecisions.make()
    const state = callOf(10)
    report(group, state, 0, 3000, [1], [0, 1, 2, 3, 4, 5, 6, 7])
    const audible = audibleOf(group)!
    assert.includeMembers(audible, [participantId(1), participantId(8), participantId(9)])
    assert.isAtMost(audible.length, AudibleSpeakers.audibleMax + 2)
  })

  it("who has left is forgotten, and in a call that has become small everybody is heard again", () => {
    const group = GroupDecisions.make()
    let state = callOf(8)
    report(group, state, 0, 3000, [1])
    assert.isDefined(audibleOf(group))
    for (const n of [1, 2, 3]) {
      const { legTag, restores } = state.participants.find(({ id }) => id === participantId(n))!
      state = Result.getOrThrow(CallDecision.leave(state, { id: participantId(n), legTag, restores })).state
    }
    report(group, state, 3000, 400, [])
    assert.isUndefined(audibleOf(group))
    assert.strictEqual(group.speakers!.known.size, 5)
    assert.strictEqual(group.speakers!.dominant.participants.size, 5)
  })

  it("what is not readable, or of a leg that nobody is on, changes nothing", () => {
    const group = GroupDecisions.make()
    const state = callOf(8)
    GroupDecisions.handleVolumes(group, state, Uint8Array.of(1, 2, 3), 0)
    GroupDecisions.handleVolumes(group, state, Volumes.encode([{ legTag: 4711, levels: Uint8Array.of(3) }]), 0)
    assert.strictEqual(group.speakers!.known.size, 0)
  })
})
