import { assert, it } from "@effect/vitest"
import * as Table from "../../src/cli/Table.ts"

it("a table is as wide as it has to be, numbers stand to the right", () => {
  const columns: ReadonlyArray<Table.Column<readonly [string, number, string]>> = [
    { title: "relay", cell: ([name]) => name },
    { title: "count", cell: ([, count]) => count },
    { title: "state", cell: ([, , state]) => state }
  ]
  assert.strictEqual(
    Table.format(columns, [
      ["a", 7, "ready"],
      ["relay-2", 123_456, "draining"]
    ]),
    "relay     count  state\na             7  ready\nrelay-2  123456  draining"
  )
  assert.strictEqual(Table.format(columns, []), "relay  count  state")
})
