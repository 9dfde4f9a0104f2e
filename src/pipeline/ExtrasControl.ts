import { Effect, Layer, Stream } from "effect"
import * as WithheldRepair from "../media/WithheldRepair.ts"
import * as QualityExtra from "../protocol/QualityExtra.ts"
import { Throttle } from "../throttle/Throttle.ts"
import { Directives } from "./Directives.ts"
import { RelayCore } from "./RelayCore.ts"

/** Each directive is signed, and a relay that has begun to withhold has no time to lose: packets go in between. Milliseconds. */
const toldAtOnce = 4
const toldEveryMs = 5

/**
 * Shows the throttle what the relay does, and does without what the throttle withholds: the relay's own legs send no more of it,
 * the calls' actors are told with the next report, and the devices by a directive.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { calls, forwarding, port, queueWait, relief } = yield* RelayCore
    const throttle = yield* Throttle
    const directives = yield* Directives
    const { counters } = port

    yield* throttle.watch({
      read: () => ({
        received: counters.received,
        sent: counters.sent,
        kernelDrops: counters.droppedReceiveBufferFull,
        waits: queueWait.waits,
        waitMsSum: queueWait.waitMsSum,
        participants: calls.sessionsByTag.size
      })
    })

    const withhold = Effect.fnUntraced(function* (extras: ReadonlyArray<QualityExtra.QualityExtra>) {
      const bits = QualityExtra.toBits(extras)
      if (bits === relief.withheld) return
      relief.withheld = bits
      WithheldRepair.withhold(forwarding.resources.withheld, extras)
      yield* Effect.forEach(
        [...calls.sessionsByTag.values()].entries(),
        ([at, session]) =>
          Effect.andThen(at > 0 && at % toldAtOnce === 0 ? Effect.sleep(toldEveryMs) : Effect.void, () =>
            calls.sessionsByTag.get(session.leg.receiveTag) === session
              ? directives.sendExtras(session, QualityExtra.fromBits(relief.withheld))
              : Effect.void
          ),
        { discard: true }
      )
    })
    yield* Effect.forkScoped(Stream.runForEach(throttle.withheld, withhold), { startImmediately: true })
  })
)
