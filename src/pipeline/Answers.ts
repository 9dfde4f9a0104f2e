import { Clock, Context, Effect, Layer } from "effect"
import * as AddressCookie from "../access/AddressCookie.ts"
import * as MessageIntegrity from "../access/MessageIntegrity.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import type { MethodName } from "../protocol/MessageKinds.ts"
import * as Stun from "../protocol/Stun.ts"
import type { ControlDatagram } from "./ControlInbox.ts"
import { ControlOutbox } from "./ControlOutbox.ts"
import { RelayCore } from "./RelayCore.ts"

/** A request that is to be answered. */
export interface Question {
  readonly datagram: ControlDatagram
  readonly method: MethodName
  readonly transactionId: Uint8Array
}

export interface Refusal {
  readonly code: number
  readonly reason: string
  readonly retryAfterMs?: number
  /** Who may grant it instead, the best first; said only to who is known. */
  readonly relays?: ReadonlyArray<string>
}

/** How requests are answered. Nothing unsigned goes out that is longer than its question. */
export class Answers extends Context.Service<
  Answers,
  {
    /** Signed with the participant's key; the bytes are returned for the next time the same is asked. */
    readonly grant: (question: Question, answer: ControlMessage.ControlMessage, key: Uint8Array) => Uint8Array
    /** The same answer once more. */
    readonly repeat: (question: Question, answer: Uint8Array) => void
    /** Signed when the participant is known; the bytes are returned for the next time the same is asked. */
    readonly refuse: (question: Question, refusal: Refusal, key?: Uint8Array) => Uint8Array
    /** Asks the sender to show that it receives at its address. */
    readonly challenge: (question: Question) => undefined
  }
>()("tandem/pipeline/Answers") {
  static readonly layer: Layer.Layer<Answers, never, RelayCore | ControlOutbox> = Layer.effect(
    Answers,
    Effect.gen(function* () {
      const { controlCounters, options } = yield* RelayCore
      const outbox = yield* ControlOutbox
      const clock = yield* Clock.Clock

      const sendUnsigned = ({ datagram }: Question, message: ControlMessage.ControlMessage): Uint8Array => {
        const bytes = Stun.appendFingerprint(ControlMessage.encode(message))
        if (bytes.length <= datagram.bytes.length) outbox.send(bytes, datagram.address)
        else controlCounters.answerTooLong++
        return bytes
      }

      return Answers.of({
        grant: ({ datagram }, answer, key) => {
          const bytes = MessageIntegrity.sign(ControlMessage.encode(answer), key)
          outbox.send(bytes, datagram.address)
          controlCounters.answered++
          return bytes
        },
        repeat: ({ datagram }, answer) => {
          outbox.send(answer, datagram.address)
          controlCounters.answeredAgain++
        },
        refuse: (question, { code, reason, relays = [], retryAfterMs }, key) => {
          controlCounters.refused++
          const { method, transactionId } = question
          const relayTimeMs = Math.floor(clock.currentTimeMillisUnsafe())
          const error = { code, reason }
          const message: ControlMessage.Refused = {
            _tag: "Refused",
            method,
            transactionId,
            error,
            ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
            relayTimeMs,
            relays: key === undefined ? [] : relays
          }
          if (key === undefined) return sendUnsigned(question, message)
          const bytes = MessageIntegrity.sign(ControlMessage.encode(message), key)
          outbox.send(bytes, question.datagram.address)
          return bytes
        },
        challenge: (question) => {
          controlCounters.challenged++
          const { datagram, method, transactionId } = question
          const nowSeconds = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
          const cookie = AddressCookie.make(options.keyRing, datagram.address, nowSeconds)
          const error = { code: ControlMessage.refusalCodes.cookieNeeded, reason: "again, with the cookie" }
          sendUnsigned(question, { _tag: "Challenge", method, transactionId, error, cookie })
          return undefined
        }
      })
    })
  )
}
