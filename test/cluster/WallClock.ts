import { Clock, Context, Effect } from "effect"

/** Sets the wall clock by so much. What counts how long ago something was goes on. Milliseconds. */
export class WallClock extends Context.Service<WallClock, { readonly jump: (byMs: number) => Effect.Effect<void> }>()(
  "tandem/test/cluster/WallClock"
) {}

/** On a machine whose wall clock can be set, in virtual time. */
export const provide = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, WallClock>> =>
  Effect.flatMap(Clock.Clock, (machine) => {
    let aheadMs = 0
    const millis = () => machine.currentTimeMillisUnsafe() + aheadMs
    const nanos = () => machine.currentTimeNanosUnsafe() + BigInt(aheadMs) * 1_000_000n
    const clock: Clock.Clock = {
      ...machine,
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos)
    }
    const jump = (byMs: number) => Effect.sync(() => void (aheadMs += byMs))
    return effect.pipe(Effect.provideService(Clock.Clock, clock), Effect.provideService(WallClock, { jump }))
  })
