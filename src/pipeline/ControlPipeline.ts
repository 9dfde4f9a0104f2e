import { Effect, Layer, Queue, Result, Stream } from "effect"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import type { MethodName } from "../protocol/MessageKinds.ts"
import * as Stun from "../protocol/Stun.ts"
import type { Question } from "./Answers.ts"
import * as BindingLimit from "./BindingLimit.ts"
import { CallSessions } from "./CallSessions.ts"
import { type ControlDatagram, ControlInbox } from "./ControlInbox.ts"
import { ControlOutbox } from "./ControlOutbox.ts"
import { Directives } from "./Directives.ts"
import * as JoinControl from "./JoinControl.ts"
import { RelayCore } from "./RelayCore.ts"
import { Drain } from "./Drain.ts"
import { Relocations } from "./Relocations.ts"
import * as SessionControl from "./SessionControl.ts"
import { Trunks } from "./Trunks.ts"
import * as VitalFiber from "./VitalFiber.ts"

/** Joins under way at once, and as many resumes: each waits for its call's actor. The next wait in their queue. */
const joinConcurrency = 64
const joinsWaitingMax = 256

/** How acknowledgements of directives are counted. */
const acknowledgements = { acknowledged: "acknowledged", notOpen: "replayed", notAuthentic: "unauthenticated" } as const

/** The control plane of the UDP port: one datagram, one message, one answer or none. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { controlCounters, nowMs, options } = yield* RelayCore
    const inbox = yield* ControlInbox
    const outbox = yield* ControlOutbox
    const directives = yield* Directives
    const drain = yield* Drain
    const trunks = yield* Trunks
    const relocations = yield* Relocations
    const sessions = yield* CallSessions
    const join = yield* JoinControl.make
    const sessionControl = yield* SessionControl.make
    const bindingLimit = BindingLimit.make()
    const joins = yield* Queue.dropping<Effect.Effect<void>>(joinsWaitingMax)
    const resumes = yield* Queue.dropping<Effect.Effect<void>>(joinsWaitingMax)

    /** Joins are carried out beside everything else: who pings or leaves does not wait for somebody's actor. */
    const enqueue = (queue: Queue.Queue<Effect.Effect<void>>, join: Effect.Effect<void> | undefined) => {
      if (join === undefined || Queue.offerUnsafe(queue, join)) return Effect.void
      controlCounters.joinQueueFull++
      return Effect.void
    }

    const answerBinding = ({ datagram, transactionId }: Question) => {
      if (!BindingLimit.admits(bindingLimit, datagram.address, nowMs())) {
        controlCounters.bindingLimited++
        return
      }
      controlCounters.answered++
      const answer = ControlMessage.encode({
        _tag: "BindingSuccess",
        transactionId,
        mappedAddress: datagram.address
      })
      outbox.send(Stun.appendFingerprint(answer), datagram.address)
    }

    const handle = (datagram: ControlDatagram): Effect.Effect<void> => {
      const decoded = ControlMessage.decode(datagram.bytes)
      if (Result.isFailure(decoded)) {
        controlCounters.malformed++
        return Effect.void
      }
      const { integrity, message } = decoded.success
      const question = (method: MethodName): Question => ({ datagram, method, transactionId: message.transactionId })
      if (message._tag === "BindingRequest") return Effect.sync(() => answerBinding(question("Binding")))
      if (integrity !== undefined) {
        switch (message._tag) {
          case "JoinRequest":
            return enqueue(joins, join(message, question("Join"), integrity))
          case "ResumeRequest":
            return enqueue(resumes, join(message, question("Resume"), integrity))
          case "PingRequest":
            return sessionControl.ping(message, question("Ping"), integrity)
          case "SubscribeRequest":
            return sessionControl.subscribe(message, question("Subscribe"), integrity)
          case "LeaveRequest":
            return sessionControl.leave(message, question("Leave"), integrity)
          case "TrunkRequest":
            return trunks.handleRequest(message, question("Trunk"), integrity)
          case "TrunkSuccess":
            return Effect.sync(() => trunks.handleSuccess(message, datagram, integrity))
          case "RelocateRequest": {
            const relocation = relocations.handleRequest(message, question("Relocate"), integrity)
            return relocation === undefined ? Effect.void : sessions.relocate(message.call, relocation)
          }
          case "RelocateSuccess":
            return Effect.sync(() => relocations.handleSuccess(message, datagram, integrity))
          case "DirectiveSuccess":
            controlCounters[acknowledgements[directives.acknowledge(message, datagram.bytes, integrity)]]++
            return Effect.void
        }
      }
      controlCounters.unexpected++
      return Effect.void
    }

    /** A message that we fail at is one message less, not the end of the control plane. */
    const guarded = (work: Effect.Effect<void>) =>
      Effect.catchDefect(work, (defect) => {
        controlCounters.failed++
        return Effect.logError("a control message could not be handled", defect)
      })

    yield* VitalFiber.run(
      "the control plane",
      Stream.runForEach(Stream.fromQueue(inbox), (datagram) => guarded(Effect.suspend(() => handle(datagram))))
    )
    const carryOut = (name: string, queue: Queue.Queue<Effect.Effect<void>>) =>
      VitalFiber.run(
        `the control plane's queue of ${name}`,
        Effect.all(
          Array.from({ length: joinConcurrency }, () => Effect.forever(Effect.flatMap(Queue.take(queue), guarded))),
          { concurrency: "unbounded", discard: true }
        )
      )
    yield* carryOut("joins", joins)
    // However many want to come, who is in a call does not wait behind them.
    yield* carryOut("resumes", resumes)

    // Runs first when the layer is closed: the fibers above still carry the acknowledgements.
    yield* Effect.addFinalizer(() => drain.drain(options.drainTimeoutMs))
  })
)
