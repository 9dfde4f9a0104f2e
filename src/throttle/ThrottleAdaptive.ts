import { Clock, Effect, Layer, Metric, Random, Stream, SubscriptionRef } from "effect"
import type { QualityExtra } from "../protocol/QualityExtra.ts"
import * as CallerSlot from "./CallerSlot.ts"
import * as GiveUpOrder from "./GiveUpOrder.ts"
import * as Load from "./Load.ts"
import { LoadMeter } from "./LoadMeter.ts"
import * as LoadShedding from "./LoadShedding.ts"
import * as OfferedCalls from "./OfferedCalls.ts"
import { Refused, retryAfterMsAt, spreadMs } from "./Refused.ts"
import * as Throttle from "./Throttle.ts"

const level = Metric.gauge("tandem_shedding_level", {
  description: "Steps of the order of what is given up that are given up, the last of them in part"
})
const withheldCount = Metric.gauge("tandem_extras_withheld", {
  description: "Extras that ongoing calls go without, in their order"
})

/** Goes by the measured load, and by the order of what is given up. */
export const layer = Layer.effect(
  Throttle.Throttle,
  Effect.gen(function* () {
    const meter = yield* LoadMeter
    const clock = yield* Clock.Clock
    const random = yield* Random.Random
    const withheld = yield* SubscriptionRef.make<ReadonlyArray<QualityExtra>>([])
    const offered = OfferedCalls.make()
    let state = LoadShedding.make()

    const announce = Effect.fnUntraced(function* (before: LoadShedding.LoadShedding) {
      yield* Metric.update(level, state.level)
      if (state.extrasWithheld === before.extrasWithheld) return
      yield* Metric.update(withheldCount, state.extrasWithheld)
      const extras = LoadShedding.withheld(state)
      yield* Effect.logWarning(
        extras.length === 0
          ? "ongoing calls have everything again"
          : `busy: ongoing calls go without ${extras.join(", ")}`
      )
      yield* SubscriptionRef.set(withheld, extras)
    })

    yield* meter.samples.pipe(
      Stream.runForEach(({ elapsedMs, load }) => {
        const before = state
        state = LoadShedding.step(state, load, offered, elapsedMs)
        OfferedCalls.fade(offered, elapsedMs)
        return announce(before)
      }),
      Effect.forkScoped
    )

    const refusal = () => {
      const retryAfterMs = retryAfterMsAt(state.level / GiveUpOrder.levelMax)
      return new Refused({ reason: "Overloaded", retryAfterMs: spreadMs(retryAfterMs, random.nextDoubleUnsafe()) })
    }

    return Throttle.make(
      ({ caller, completesCall, priority }) => {
        const slot = CallerSlot.slotOf(caller, clock.currentTimeMillisUnsafe())
        if (completesCall !== true) {
          OfferedCalls.add(offered, priority, slot)
          if (!LoadShedding.admits(state, priority, slot)) return Effect.fail(refusal())
        }
        state = LoadShedding.admitted(state, priority)
        return Effect.void
      },
      {
        withheld: SubscriptionRef.changes(withheld),
        fullness: () => LoadShedding.fullness(state),
        watch: meter.watch
      }
    )
  })
)

/** Refuses nothing, but measures, so that others know how busy the relay is. */
export const layerOff = Layer.effect(
  Throttle.Throttle,
  Effect.map(LoadMeter, ({ load, watch }) =>
    Throttle.make(() => Effect.void, { watch, fullness: () => Load.utilization(load()) })
  )
)
