import { it } from "@effect/vitest"
import { Layer } from "effect"
import { TestClock } from "effect/testing"
import * as CallStoreLaws from "tandem/state/laws"
import * as NodeSqlite from "tandem/state/sqlite"
import * as MeetingStore from "./MeetingStore.ts"

// A call lives for ten minutes, of which the clock of the tests lets one after the other pass.
const laws = [...CallStoreLaws.laws, ...CallStoreLaws.expiryLaws(TestClock.adjust("1 minute"))]

it.layer(Layer.provide(MeetingStore.layer, NodeSqlite.layer({ file: ":memory:" })))("MeetingStore", (it) => {
  for (const { check, name } of laws) it.effect(name, () => check())
})
