import { Context, Effect, Exit, Layer, Stream } from "effect"
import { QualityExtra } from "../protocol/QualityExtra.ts"
import type { Refused } from "./Refused.ts"
import * as Throttle from "./Throttle.ts"

type Service = Throttle.Throttle["Service"]

/**
 * Lets in whom both let in; the first is asked first, and whom it refuses the second never hears of. Calls go without what
 * either withholds. Whatever the order and the brackets, the same are let in; the open throttle changes nothing.
 */
export const both = (first: Service, second: Service): Service =>
  Throttle.make((request) => inTurn(first.decide(request), () => second.decide(request)), {
    withheld: Stream.zipLatestWith(first.withheld, second.withheld, (one, other) =>
      QualityExtra.literals.filter((extra) => one.includes(extra) || other.includes(extra))
    ),
    fullness: () => fullest(first.fullness(), second.fullness()),
    watch: (work) => Effect.andThen(first.watch(work), second.watch(work))
  })

/** At once, if the first has decided at once. */
const inTurn = (first: Effect.Effect<void, Refused>, second: () => Effect.Effect<void, Refused>) =>
  Exit.isExit(first) ? (Exit.isSuccess(first) ? second() : first) : Effect.andThen(first, Effect.suspend(second))

const fullest = (one: number, other: number): number =>
  Number.isNaN(one) ? other : Number.isNaN(other) ? one : Math.max(one, other)

/** Asks the throttle about some requests only, as about those of one tenant; the others are let in. */
export const only = (isMeant: (request: Throttle.AdmissionRequest) => boolean, throttle: Service): Service =>
  Throttle.make((request) => (isMeant(request) ? throttle.decide(request) : Effect.void), throttle)

/** An application's own policy in front of whatever throttle there is. It is never asked about what is never refused. */
export const layerInFront = (decide: Throttle.Decide) =>
  Layer.effect(
    Throttle.Throttle,
    Effect.map(Throttle.Throttle, (below) => both(Throttle.make(decide), below))
  )

/** One layer's throttle in front of the other's. */
export const layerBoth = <E1, R1, E2, R2>(
  first: Layer.Layer<Throttle.Throttle, E1, R1>,
  second: Layer.Layer<Throttle.Throttle, E2, R2>
) =>
  Layer.effect(
    Throttle.Throttle,
    Effect.map(Effect.all([Layer.build(first), Layer.build(second)]), ([one, other]) =>
      both(Context.get(one, Throttle.Throttle), Context.get(other, Throttle.Throttle))
    )
  )
