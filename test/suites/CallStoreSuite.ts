import { it } from "@effect/vitest"
import type { Layer } from "effect"
import type { CallStore } from "../../src/state/CallStore.ts"
import * as CallStoreLaws from "../../src/state/laws/CallStoreLaws.ts"
import * as StoreMinutes from "./StoreMinutes.ts"

/** A tenth of the default life of a call is a minute. */
const laws = [...CallStoreLaws.laws, ...CallStoreLaws.expiryLaws(StoreMinutes.pass)]

/** What every CallStore promises. Each backend runs this same suite. */
export const suite = (backend: string, layer: Layer.Layer<CallStore, unknown>) =>
  it.layer(layer)(`CallStore (${backend})`, (it) => {
    for (const { check, name } of laws) it.effect(name, () => check())
  })
