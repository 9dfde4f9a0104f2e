import { Effect } from "effect"
import { Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as CallDecision from "../call/CallDecision.ts"
import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import type * as CallCommand from "../call/CallCommand.ts"
import { CallId } from "../protocol/Ids.ts"
import * as CallOwner from "./CallOwner.ts"
import { Call } from "./CallRpcs.ts"
import { ResidentCalls } from "./ResidentCalls.ts"

/** A call in which nothing happens needs no actor (18 KB): after this time it goes, and the next command loads it again. */
const maxIdleTime = "10 seconds"

/** Messages that wait: a call has 50 devices, each with a command or two on the way. */
const mailboxCapacity = 256

const admitted = ({ epoch, plan, restores }: CallDecision.Admission & { readonly plan: ForwardingPlan }) => ({
  epoch,
  restores,
  plan
})

// Made once, and not for every call: an actor is as small as it can be.
const join = Effect.fn("CallActor.Join")((owner: CallOwner.CallOwner, command: CallCommand.Join) =>
  Effect.map(
    CallOwner.change(owner, (state, nowMs) => CallDecision.join(state, command, nowMs)),
    admitted
  )
)
const resume = Effect.fn("CallActor.Resume")((owner: CallOwner.CallOwner, command: CallCommand.Resume) =>
  Effect.map(
    CallOwner.change(owner, (state) => CallDecision.resume(state, command)),
    admitted
  )
)
const restore = Effect.fn("CallActor.Restore")((owner: CallOwner.CallOwner, command: CallCommand.Restore) =>
  Effect.map(
    CallOwner.change(owner, (state) => CallDecision.restore(state, command)),
    admitted
  )
)
const move = Effect.fn("CallActor.Move")((owner: CallOwner.CallOwner, command: CallCommand.Move) =>
  Effect.asVoid(CallOwner.change(owner, (state) => CallDecision.move(state, command), "at once"))
)
const leave = Effect.fn("CallActor.Leave")((owner: CallOwner.CallOwner, command: CallCommand.Leave) =>
  Effect.asVoid(CallOwner.change(owner, (state) => CallDecision.leave(state, command)))
)

/** The decision layer: one actor for each call, wherever the cluster runs it. */
export const layer = Call.toLayer(
  Effect.gen(function* () {
    const { entityId } = yield* Entity.CurrentAddress
    const id = CallId.make(entityId)
    const owner = yield* CallOwner.make(id)
    const residents = yield* ResidentCalls
    const scope = yield* Effect.scope
    // Whoever sends reports has others to send: it does not wait for what follows from this one.
    yield* residents.add(id, (relay, report) =>
      Effect.asVoid(
        Effect.forkIn(Effect.ignore(CallOwner.report(owner, relay, report)), scope, { startImmediately: true })
      )
    )

    return Call.of({
      Join: ({ payload }) => join(owner, payload),
      Resume: ({ payload }) => resume(owner, payload),
      Restore: ({ payload }) => restore(owner, payload),
      Move: ({ payload }) => move(owner, payload),
      Leave: ({ payload }) => leave(owner, payload),
      // Does not wait behind a command whose store is slow.
      Estimates: () => Rpc.fork(CallOwner.estimates(owner)),
      Touch: () => Rpc.fork(residents.touch(id)),
      Report: ({ payload: { relay, report } }) =>
        Effect.andThen(residents.touch(id), CallOwner.report(owner, relay, report))
    })
  }),
  // A defect is answered to its caller; without the last option it would restart the actor and be replayed for ever.
  { maxIdleTime, mailboxCapacity, disableFatalDefects: true }
)
