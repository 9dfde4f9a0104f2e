import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as RosterEvent from "../../src/client/RosterEvent.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import type { RosterEntry } from "../../src/protocol/RosterAttribute.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"

const Small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))

/** A few people, each with one of a few sets of streams. */
const roster = Arbitrary.map(
  Arbitrary.array(Arbitrary.all([Arbitrary.schema(Small), Arbitrary.schema(Small)]), { maxLength: 6 }),
  (drawn): ReadonlyArray<RosterEntry> =>
    [...new Map(drawn)].map(([person, count]) => ({
      participant: ParticipantId.make(`p${person}`),
      streams: Array.from(
        { length: count },
        (_, index) => new StreamDescription({ ssrc: index + 1, kind: "audio", clockRate: 48_000, codec: "opus" })
      )
    }))
)

const byName = (entries: Iterable<RosterEntry>) =>
  [...entries].sort((a, b) => a.participant.localeCompare(b.participant))

describe("RosterEvent", () => {
  it.prop("leads from any roster to any other", [roster, roster], ([before, after]) => {
    const people = new Map(before.map((entry) => [entry.participant, entry]))
    for (const event of RosterEvent.between(before, after)) {
      if (event._tag === "Left") assert.isTrue(people.delete(event.participant), "only who is there can leave")
      else {
        assert.isFalse(people.has(event.participant), "nobody joins twice")
        people.set(event.participant, { participant: event.participant, streams: event.streams })
      }
    }
    assert.deepStrictEqual(byName(people.values()), byName(after))
    assert.deepStrictEqual(RosterEvent.between(after, after), [])
  })
})
