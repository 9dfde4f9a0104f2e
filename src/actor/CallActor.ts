import { Effect } from "effect"
import { Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as CallDecision from "../call/CallDecision.ts"
import { CallId } from "../protocol/Ids.ts"
import * as CallOwner from "./CallOwner.ts"
import { Call } from "./CallRpcs.ts"

/** A relay that watches keeps the actor alive; without one it goes after this time, and the next command loads it again. */
const maxIdleTime = "1 minute"

/** Messages that wait, streams that are open: a call has 50 devices, each with a command or two on the way. */
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
        yield* owner.change((state) => CallDecision.move(state, payload), "save-later")
      }),
      Leave: Effect.fn("CallActor.Leave")(function* ({ payload }) {
        yield* owner.change((state) => CallDecision.leave(state, payload))
      }),
      WatchPlan: () => Rpc.fork(owner.plans)
    })
  }),
  // A defect is answered to its caller; without the last option it would restart the actor and be replayed for ever.
  { maxIdleTime, mailboxCapacity, disableFatalDefects: true }
)
