/** A relay with a policy of the application's own in front of the throttle that goes by its load. */
import { Effect, Layer } from "effect"
import type * as Throttle from "tandem/throttle"
import * as ThrottleAdaptive from "tandem/throttle/adaptive"
import * as ThrottleComposition from "tandem/throttle/composition"
import * as LoadMeter from "tandem/throttle/meter"
import { Refused } from "tandem/throttle/refused"

const tooMuch = Effect.fail(new Refused({ reason: "Limited", retryAfterMs: 60_000 }))

/** Trial customers make no video calls with many. */
const policy = ThrottleComposition.layerInFront(({ priority, tenant }) =>
  tenant === "trial" && priority === "new-group-video" ? tooMuch : Effect.void
)

/** For `Relay.layerWith`, in the place of `Throttle.layerOpen`. */
export const layer: Layer.Layer<Throttle.Throttle> = policy.pipe(
  Layer.provide(ThrottleAdaptive.layer),
  Layer.provide(LoadMeter.layer())
)
