import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as GroupDecisions from "../../src/call/GroupDecisions.ts"
import * as AudibleSpeakers from "../../src/call/AudibleSpeakers.ts"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { type CallState, empty } from "../../src/call/CallState.ts"
import * as Relief from "../../src/call/Relief.ts"
import * as Subscription from "../../src/call/Subscription.ts"
import * as Uplinks from "../../src/call/Uplinks.ts"
import * as Volumes from "../../src/call/Volumes.ts"
import { toBits } from "../../src/protocol/QualityExtra.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
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

  it("decides video anew each second, and at once when a path, an uplink or a wish has changed", () => {
    const layer = (n: number, layer: number) =>
      new StreamDescription({
        ssrc: 100 + 10 * n + layer,
        kind: "video",
        clockRate: 90_000,
        codec: "vp8",
        simulcast: { source: 0, layer, heightPixels: 180 << layer, maxKbps: [150, 600][layer]! }
      })
    const state = [0, 1, 2].reduce(
      (state, n) =>
        Result.getOrThrow(CallDecision.join(state, join(n, { streams: [layer(n, 0), layer(n, 1)] }), n)).state,
      empty
    )
    const tags = state.participants.map(({ legTag }) => legTag)
    const group = GroupDecisions.make()
    const downlinks = new Map<number, number>()
    const decidedWithin = (fromMs: number, untilMs: number) => {
      for (let nowMs = fromMs; nowMs <= untilMs; nowMs += turnMs) {
        if (GroupDecisions.decide(group, state, new Map(downlinks), nowMs)) return nowMs - fromMs
      }
      return undefined
    }
    const rates = () => [...group.decision.video!.ratesBps.values()]
    // It waits longer where paths are not known.
    assert.strictEqual(decidedWithin(0, 5000), 2000)
    assert.deepStrictEqual(rates(), [150_000, 0, 150_000, 0, 150_000, 0])
    assert.isUndefined(decidedWithin(2200, 6000))
    for (const tag of tags) downlinks.set(tag, 5e6)
    assert.strictEqual(decidedWithin(6200, 7000), 0)
    assert.deepStrictEqual(rates(), [0, 500_000, 0, 500_000, 0, 500_000])
    // By less than a fifth: within a second, and it changes nothing.
    downlinks.set(tags[0]!, 4.5e6)
    assert.isUndefined(decidedWithin(7400, 9000))
    downlinks.set(tags[0]!, 700_000)
    assert.strictEqual(decidedWithin(9200, 9200), 0)
    GroupDecisions.handleUplinks(group, state, Uplinks.encode([{ legTag: tags[1]!, uplinkBps: 400_000 }]))
    assert.strictEqual(decidedWithin(9400, 9400), 0)
    assert.isAtMost(rates()[2]! + rates()[3]!, 400_000)
    const wanted = [{ legTag: tags[2]!, subscription: { version: 1, wanted: [] } }]
    GroupDecisions.handleSubscriptions(group, state, Subscription.encode(wanted))
    assert.strictEqual(decidedWithin(9600, 9600), 0)
    assert.isTrue([...group.decision.video!.viewers.values()].every((viewers) => !viewers.has(participantId(2))))
    // A device that says something else in each of many reports makes no more work than one that does so five times a second.
    const decidedAtMs = new Set<number>()
    for (let nowMs = 20_000; nowMs < 22_000; nowMs += 10) {
      const uplinkBps = nowMs % 20 === 0 ? 800_000 : 300_000
      GroupDecisions.handleUplinks(group, state, Uplinks.encode([{ legTag: tags[0]!, uplinkBps }]))
      GroupDecisions.decide(group, state, new Map(downlinks), nowMs)
      decidedAtMs.add(group.videoAtMs)
    }
    assert.isAtMost(decidedAtMs.size, 11)
    // Who has left is forgotten with what it has said.
    const { legTag, restores } = state.participants[1]!
    const left = Result.getOrThrow(CallDecision.leave(state, { id: participantId(1), legTag, restores })).state
    GroupDecisions.handleUplinks(group, left, Uplinks.encode([{ legTag: 4711, uplinkBps: 1 }]))
    assert.deepStrictEqual([...group.uplinksBps.keys()], [tags[0]])
    GroupDecisions.handleUplinks(group, state, Uint8Array.of(1))
  })

  it("what a busy relay withholds is decided at once, and so is that it is given back, also by another owner", () => {
    const video = (n: number) =>
      new StreamDescription({ ssrc: 100 + n, kind: "video", clockRate: 90_000, codec: "vp8" })
    const relay = join(0).relay.id
    const groupVideo = toBits(["group-video"])
    for (const size of [2, 3]) {
      const state = Array.from({ length: size }, (_, n) => n).reduce(
        (state, n) => Result.getOrThrow(CallDecision.join(state, join(n, { streams: [video(n)] }), n)).state,
        empty
      )
      const group = GroupDecisions.make()
      const decidedAt = (nowMs: number, bits?: number, of = group) => {
        GroupDecisions.handleWithheld(of, relay, bits, nowMs)
        return GroupDecisions.decide(of, state, new Map(), nowMs)
      }
      // A new owner says once what holds: one before may have withheld something.
      assert.isFalse(decidedAt(0))
      assert.isTrue(decidedAt(1000))
      assert.isUndefined(group.decision.video)
      assert.isTrue(decidedAt(1200, groupVideo))
      assert.isTrue([...group.decision.video!.viewers.values()].every((viewers) => viewers.size === 0))
      for (let nowMs = 1400; nowMs < 5000; nowMs += turnMs) assert.isFalse(decidedAt(nowMs, groupVideo))
      assert.isTrue(decidedAt(5000))
      assert.isUndefined(group.decision.video)
      const next = GroupDecisions.make()
      assert.isFalse(decidedAt(6000, groupVideo, next))
      assert.isTrue(decidedAt(7000, groupVideo, next))
      // Nothing is heard of it any more.
      const forgottenAtMs = 7000 + Relief.forgottenAfterMs
      assert.isTrue(GroupDecisions.decide(next, state, new Map(), forgottenAtMs))
      assert.isUndefined(next.decision.video)
    }
  })

  it("what is not readable, or of a leg that nobody is on, changes nothing", () => {
    const group = GroupDecisions.make()
    const state = callOf(8)
    GroupDecisions.handleVolumes(group, state, Uint8Array.of(1, 2, 3), 0)
    GroupDecisions.handleVolumes(group, state, Volumes.encode([{ legTag: 4711, levels: Uint8Array.of(3) }]), 0)
    assert.strictEqual(group.speakers!.known.size, 0)
  })
})
