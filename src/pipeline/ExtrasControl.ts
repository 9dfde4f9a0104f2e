import { Effect, Latch, Layer, Stream } from "effect"
import * as WithheldPackets from "../media/WithheldPackets.ts"
import * as QualityExtra from "../protocol/QualityExtra.ts"
import { Throttle } from "../throttle/Throttle.ts"
import { Directives } from "./Directives.ts"
import { RelayCore } from "./RelayCore.ts"
import type { Session } from "./Session.ts"

/**
 * How far apart devices are told. Each directive is signed, sent and acknowledged, and a relay that has begun to withhold has no
 * time to lose: so they go between the packets, and no more than 250 a second. Milliseconds.
 */
const toldEveryMs = 4

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

    const changed = yield* Latch.make()
    const withhold = (extras: ReadonlyArray<QualityExtra.QualityExtra>) =>
      Effect.sync(() => {
        const bits = QualityExtra.toBits(extras)
        if (bits === relief.withheld) return
        relief.withheld = bits
        WithheldPackets.withhold(forwarding.resources.withheld, extras)
        changed.openUnsafe()
      })

    /** All who are here, of what is withheld when their turn comes. What changes meanwhile is told in another round. */
    const tellAll = Effect.suspend(() => {
      changed.closeUnsafe()
      return Effect.forEach([...calls.sessionsByTag.values()], tell, { discard: true })
    })
    const tell = Effect.fnUntraced(function* (session: Session) {
      if (calls.sessionsByTag.get(session.leg.receiveTag) !== session) return
      yield* directives.sendExtras(session, QualityExtra.fromBits(relief.withheld))
      yield* Effect.sleep(toldEveryMs)
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(changed.await, tellAll)))
    yield* Effect.forkScoped(Stream.runForEach(throttle.withheld, withhold), { startImmediately: true })
  })
)
