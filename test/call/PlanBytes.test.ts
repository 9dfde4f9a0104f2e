import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as RateLadder from "../../src/call/allocation/RateLadder.ts"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { empty, participantsMax } from "../../src/call/CallState.ts"
import { type ForwardingPlan, planOf } from "../../src/call/ForwardingPlan.ts"
import * as PlanVersion from "../../src/call/PlanVersion.ts"
import * as PlanBytes from "../../src/call/PlanBytes.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import { decide, join, place, randomCommands } from "./Commands.ts"

const again = (plan: ForwardingPlan): ForwardingPlan => Result.getOrThrow(PlanBytes.decode(PlanBytes.encode(plan)))

const audioAndVideo = (index: number) => [
  new StreamDescription({ ssrc: 0x80000000 + 4 * index, kind: "audio", clockRate: 48_000, codec: "opus" }),
  new StreamDescription({ ssrc: 0x80000001 + 4 * index, kind: "video", clockRate: 90_000, codec: "vp8" })
]

const simulcast = (index: number) => [
  audioAndVideo(index)[0]!,
  ...[150, 600, 2500].map(
    (maxKbps, layer) =>
      new StreamDescription({
        ssrc: 0x80000001 + 4 * index + layer,
        kind: "video",
        clockRate: 90_000,
        codec: "vp8",
        simulcast: { source: 0, layer, heightPixels: 180 << layer, maxKbps }
      })
  )
]

/** Participants with ids like those of a product, who all send the same, on four relays. */
const largeOf = (streamsOf: (index: number) => ReadonlyArray<StreamDescription>) => {
  let state = empty
  for (let index = 0; index < participantsMax; index++) {
    const id = ParticipantId.make(`0195f3a2-${String(index).padStart(4, "0")}`)
    const command = join(index, { id, streams: streamsOf(index), relay: place(`relay-${"abcd"[index % 4]}`) })
    state = Result.getOrThrow(CallDecision.join(state, command, 1_800_000_000_000)).state
  }
  return planOf(state)
}
const large = largeOf(audioAndVideo)
const layered = largeOf(simulcast)

/** Every stream to every second of the others. */
const thinned = (plan: ForwardingPlan): ForwardingPlan => ({
  ...plan,
  rows: plan.rows.map((row) => ({ ...row, to: row.to.filter((_, at) => at % 2 === 0) }))
})

/** Audio to everybody; of video the lowest layer to three quarters of the others, each higher one to fewer of those. */
const nested: ForwardingPlan = {
  ...layered,
  rows: layered.rows.map((row, index) => ({
    ...row,
    to: row.to.filter((_, at) => at % 4 >= index % 4)
  }))
}

/** As it is when few speak: the lowest layer to everybody, the middle one to some, the highest to nobody. */
const quiet: ForwardingPlan = {
  ...nested,
  rows: nested.rows.map(
    (row, index) => [layered.rows[index]!, layered.rows[index]!, row, { ...row, to: [] }][index % 4]!
  )
}

/** As an owner has decided it who holds back the audio of most. */
const decided: ForwardingPlan = {
  ...large,
  version: PlanVersion.of(large.version, 4_000_000_000),
  rows: large.rows.map((row, place) => (place % 2 === 0 && place > 6 ? { ...row, to: [] } : row))
}

/** As an owner has decided it who gives each layer a rate, and half of the people all they want. */
const rated = (plan: ForwardingPlan): ForwardingPlan => ({
  ...plan,
  participants: plan.participants.map((one, index) => (index % 2 === 0 ? { ...one, wantsMore: true } : one)),
  rows: plan.rows.map((row, index) => {
    const rung = (index % (RateLadder.rungCount + 1)) - 1
    return index % 4 === 0 ? row : { ...row, rateBps: RateLadder.bpsOf(rung) }
  })
})

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
    for (const plan of [large, thinned(large), layered, thinned(layered), quiet, decided, rated(thinned(layered))]) {
      assert.deepStrictEqual(again(plan), plan)
      // In base64.
      assert.isAtMost((PlanBytes.encode(plan).length * 4) / 3, 4096)
    }
  })

  it("a plan for 50 people of whom every layer goes to others takes 4 KB at most before that", () => {
    for (const plan of [nested, rated(nested)]) {
      assert.deepStrictEqual(again(plan), plan)
      assert.isAtMost(PlanBytes.encode(plan).length, 4096)
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
