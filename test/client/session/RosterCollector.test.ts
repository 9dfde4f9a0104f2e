import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as RosterCollector from "../../../src/client/session/RosterCollector.ts"
import { ParticipantId } from "../../../src/protocol/Ids.ts"
import type { RosterEntry } from "../../../src/protocol/RosterAttribute.ts"

const Version = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
const Pages = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 }))

const entryOf = (page: number): RosterEntry => ({ participant: ParticipantId.make(`p${page}`), streams: [] })
const pageOf = (version: number, page: number, pages: number) => ({
  page: { version: version >>> 0, page, pages },
  entries: [entryOf(page)]
})
const order = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))), {
  minLength: 0,
  maxLength: 30
})

describe("RosterCollector", () => {
  it.prop(
    "is complete once: with the last page that was missing, wherever the version wraps",
    [Version, Pages, order],
    ([version, pages, drawn]) => {
      const collector = RosterCollector.make()
      const seen = new Set<number>()
      // Whatever comes first, more than once and in any order, in the end all have come.
      const arriving = [...drawn.filter((page) => page < pages), ...Array.from({ length: pages }, (_, page) => page)]
      for (const page of arriving) {
        const wasComplete = seen.size === pages
        seen.add(page)
        const roster = RosterCollector.handlePage(collector, pageOf(version, page, pages))
        if (wasComplete || seen.size < pages) assert.isUndefined(roster)
        else
          assert.deepStrictEqual(
            roster,
            Array.from({ length: pages }, (_, page) => entryOf(page))
          )
      }
      assert.isUndefined(RosterCollector.handlePage(collector, pageOf(version - 1, 0, 1)))
      assert.isDefined(RosterCollector.handlePage(collector, pageOf(version + 1, 0, 1)))
    }
  )

  it("forgets what it has of a version when a newer one begins", () => {
    const collector = RosterCollector.make()
    assert.isUndefined(RosterCollector.handlePage(collector, pageOf(1, 0, 2)))
    assert.isUndefined(RosterCollector.handlePage(collector, pageOf(2, 0, 2)))
    assert.isUndefined(RosterCollector.handlePage(collector, pageOf(1, 1, 2)))
    assert.isDefined(RosterCollector.handlePage(collector, pageOf(2, 1, 2)))
  })

  it("takes any version from the next relay", () => {
    const collector = RosterCollector.make()
    RosterCollector.handlePage(collector, pageOf(9, 0, 1))
    RosterCollector.restart(collector)
    assert.isDefined(RosterCollector.handlePage(collector, pageOf(1, 0, 1)))
  })
})
