import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import { datagramBytesMax } from "../../src/protocol/MessageKinds.ts"
import * as Roster from "../../src/protocol/RosterAttribute.ts"
import { paginate, participantsMax, type RosterPart } from "../../src/protocol/RosterPages.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import { finish, rosterEntry } from "./ArbitraryMessages.ts"

const key = new Uint8Array(32)
const sizeBytes = (part: RosterPart): number => {
  const directive = {
    _tag: "RosterDirective",
    transactionId: new Uint8Array(12),
    legTag: 1,
    counter: 1,
    ...part
  } as const
  return finish(ControlMessage.encode(directive), key).length
}

const stream = new StreamDescription({
  ssrc: 1,
  kind: "video",
  clockRate: 90_000,
  codec: "x".repeat(16),
  simulcast: { source: 0, layer: 0, heightPixels: 0, maxKbps: 0 }
})
const largest: Roster.RosterEntry = {
  participant: ParticipantId.make("x".repeat(64)),
  streams: Array.from({ length: Roster.streamsMax }, () => stream)
}

describe("roster pages", () => {
  const rosters = Arbitrary.array(rosterEntry, { minLength: 0, maxLength: 120 })

  it.prop(
    "every page fits into a datagram, and together they are the roster",
    [rosters],
    ([roster]) => {
      const pages = paginate(7, roster)
      assert.deepStrictEqual(
        pages.flatMap(({ entries }) => entries),
        roster
      )
      pages.forEach((part, page) => {
        assert.deepStrictEqual(part.page, { version: 7, page, pages: pages.length })
        assert.isAtMost(sizeBytes(part), datagramBytesMax)
        const next = pages[page + 1]?.entries[0]
        if (next === undefined) return
        const fuller = { ...part, entries: [...part.entries, next] }
        assert.throws(() => sizeBytes(fuller), /does not fit/, "no page has room for the next entry")
      })
    },
    { arbitrary: { size: 120 } }
  )

  it("an empty roster is one page", () => {
    assert.deepStrictEqual(paginate(3, []), [{ page: { version: 3, page: 0, pages: 1 }, entries: [] }])
  })

  it("as many participants as are promised fit, however large; one more page does not", () => {
    const roster = Array.from({ length: participantsMax }, () => largest)
    assert.strictEqual(paginate(1, roster).length, 255)
    assert.throws(() => paginate(1, [...roster, largest]), RangeError)
    assert.strictEqual(Roster.rosterEntry.encode(largest, new Uint8Array(12)).length, Roster.rosterEntryBytesMax)
  })
})
