import { Effect } from "effect"
import { Entity } from "effect/cluster"
import * as CallDecision from "../call/CallDecision.ts"
import { CallId } from "../protocol/Ids.ts"
import * as CallOwner from "./CallOwner.ts"
import { Call } from "./CallRpcs.ts"

/** A call in which nothing happens needs no actor (30 KB): after this time it goes, and the next command loads it again. */
const maxIdleTime = "10 seconds"

/** Messages that wait: a call has 50 devices, each with a command or two on the way. */
const mailboxCapacity = 256

/** The decision layer: one actor for each call, wherever the cluster runs it. */
export const layer = Call.toLayer(
  Effect.gen(function* () {
    const { entityId } = yield* Entity.CurrentAddress
    const owner = yield* CallOwner.make(CallId.make(entityId))

    return Call.of({
      Join: Effect.fn("CallActor.Join")(function* ({ payload }) {
        const { epoch, plan } = yield* owner.change((state, nowMs) => CallDecision.join(state, payload, nowMs))
        return { epoch, plan }
      }),
      Resume: Effect.fn("CallActor.Resume")(function* ({ payload }) {
        const { epoch, plan } = yield* owner.change((state) => CallDecision.resume(state, payload))
        return { epoch, plan }
      }),
      Move: Effect.fn("CallActor.Move")(function* ({ payload }) {
        yield* owner.change((state) => CallDecision.move(state, payload), "at once")
      }),
      Leave: Effect.fn("CallActor.Leave")(function* ({ payload }) {
        yield* owner.change((state) => CallDecision.leave(state, payload))
      })
    })
  }),
  // A defect is answered to its caller; without the last option it would restart the actor and be replayed for ever.
  { maxIdleTime, mailboxCapacity, disableFatalDefects: true }
)
