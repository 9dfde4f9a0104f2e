import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { empty, participantsMax } from "../../src/call/CallState.ts"
import { type ForwardingPlan, planOf } from "../../src/call/ForwardingPlan.ts"
import * as PlanVersion from "../../src/call/PlanVersion.ts"
import * as PlanBytes from "../../src/call/PlanBytes.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import { decide, join, place, randomCommands } from "./Commands.ts"

const again = (plan: ForwardingPlan): ForwardingPlan => Result.getOrThrow(PlanBytes.decode(PlanBytes.encode(plan)))

/** Participants with ids like those of a product, who all send audio and video, on four relays. */
const large = (() => {
  let state = empty
  for (let index = 0; index < participantsMax; index++) {
    const id = ParticipantId.make(`0195f3a2-${String(index).padStart(4, "0")}`)
    const streams = [
      new StreamDescription({ ssrc: 0x80000000 + 2 * index, kind: "audio", clockRate: 48_000, codec: "opus" }),
      new StreamDescription({ ssrc: 0x80000001 + 2 * index, kind: "video", clockRate: 90_000, codec: "vp8" })
    ]
    const command = join(index, { id, streams, relay: place(`relay-${"abcd"[index % 4]}`) })
    state = Result.getOrThrow(CallDecision.join(state, command, 1_800_000_000_000)).state
  }
  return planOf(state)
})()

/** Every stream to every second of the others. */
const thinned: ForwardingPlan = {
  ...large,
  rows: large.rows.map((row) => ({ ...row, to: row.to.filter((_, at) => at % 2 === 0) }))
}

/** As an owner has decided it who holds back the audio of most. */
const decided: ForwardingPlan = {
  ...large,
  version: PlanVersion.of(large.version, 4_000_000_000),
  rows: large.rows.map((row, place) => (place % 2 === 0 && place > 6 ? { ...row, to: [] } : row))
}

describe("PlanBytes", () => {
  it.prop("is read as it was written", [randomCommands], ([commands]) => {
    const state = commands.reduce(
      (state, command) => Result.getOrElse(decide(state, command, 7), () => ({ state })).state,
      empty
    )
    assert.deepStrictEqual(again(planOf(state)), planOf(state))
  })

  it("a leg that has been restored more often than a byte counts is not taken for an older one", () => {
    const restored = {
      ...large,
      participants: large.participants.map((one, index) => ({ ...one, restores: 200 * index }))
    }
    assert.deepStrictEqual(again(restored), restored)
  })

  it("a plan for 50 people is read as it was written, and takes 4 KB at most as messages carry it", () => {
    for (const plan of [large, thinned, decided]) {
      assert.deepStrictEqual(again(plan), plan)
      // In base64.
      assert.isAtMost((PlanBytes.encode(plan).length * 4) / 3, 4096)
    }
  })

  it("what is cut short, longer, or of another format is no plan", () => {
    const bytes = PlanBytes.encode(large)
    for (let length = 0; length < bytes.length; length += 7) {
      assert.isTrue(Result.isFailure(PlanBytes.decode(bytes.subarray(0, length))))
    }
    assert.isTrue(Result.isFailure(PlanBytes.decode(Uint8Array.of(...bytes, 0))))
    assert.isTrue(Result.isFailure(PlanBytes.decode(bytes.with(0, 99))))
  })
})
