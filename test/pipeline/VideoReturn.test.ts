import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { empty } from "../../src/call/CallState.ts"
import { planOf } from "../../src/call/ForwardingPlan.ts"
import * as RelayRelief from "../../src/pipeline/RelayRelief.ts"
import * as VideoReturn from "../../src/pipeline/VideoReturn.ts"
import { toBits } from "../../src/protocol/QualityExtra.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import { join, stream } from "../call/Commands.ts"

const video = new StreamDescription({ ssrc: 1, kind: "video", clockRate: 90_000, codec: "vp8" })
const planFor = (participants: number) => {
  const state = Array.from({ length: participants }, (_, n) => n).reduce(
    (state, n) =>
      Result.getOrThrow(
        CallDecision.join(state, join(n, { streams: n === 0 ? [stream(2), video] : [stream(3000 + n)] }), n)
      ).state,
    empty
  )
  const withheld = { viewers: new Map([[1, new Set<never>()]]), ratesBps: new Map(), wantMore: new Set<never>() }
  return {
    whole: planOf(state),
    reduced: planOf(state, { revision: 1, audible: undefined, video: withheld })
  }
}

describe("VideoReturn", () => {
  it("calls without video are reported for a while when a relay gives group video back", () => {
    const { reduced, whole } = planFor(2)
    const relief = RelayRelief.make()
    const self = VideoReturn.make()
    const isAwaitedAt = (nowMs: number, plan = reduced) => {
      VideoReturn.poll(self, relief, nowMs)
      return VideoReturn.isAwaited(self, plan, nowMs)
    }
    assert.isFalse(isAwaitedAt(0))
    relief.withheld = toBits(["fec", "group-video"])
    assert.isFalse(isAwaitedAt(200))
    relief.withheld = toBits(["fec"])
    assert.isTrue(isAwaitedAt(400))
    assert.isFalse(isAwaitedAt(400, whole), "it has all of it")
    assert.isFalse(isAwaitedAt(400, planFor(1).reduced), "who is alone waits for nobody")
    assert.isFalse(VideoReturn.isAwaited(self, undefined, 400))
    assert.isTrue(isAwaitedAt(5000))
    assert.isFalse(isAwaitedAt(5400))
  })
})

describe("RelayRelief", () => {
  it("a relay at ease says nothing, another what it withholds and how busy it is", () => {
    const relief = RelayRelief.make()
    assert.deepStrictEqual(RelayRelief.newsOf(relief), {})
    relief.load = 0.004
    assert.deepStrictEqual(RelayRelief.newsOf(relief), {})
    relief.load = 0.876
    assert.deepStrictEqual(RelayRelief.newsOf(relief), { load: 0.88 })
    relief.withheld = toBits(["high-layer"])
    relief.load = 1.25
    assert.deepStrictEqual(RelayRelief.newsOf(relief), { withheld: 4, load: 1.25 })
  })
})
