import { Layer, Schema } from "effect"
import * as LoadMeter from "../throttle/LoadMeter.ts"
import * as ThrottleAdaptive from "../throttle/ThrottleAdaptive.ts"

/** What a relay does when it has too much to do: gives up in a chosen order, or refuses nothing. Both measure. */
export const ThrottleKind = Schema.Literals(["adaptive", "off"])
export type ThrottleKind = typeof ThrottleKind.Type

export const layer = (kind: ThrottleKind, capacityPerSecond: number | undefined) =>
  (kind === "adaptive" ? ThrottleAdaptive.layer : ThrottleAdaptive.layerOff).pipe(
    Layer.provide(LoadMeter.layer({ capacityPerSecond }))
  )
