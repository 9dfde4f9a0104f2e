import { Context, Deferred, Effect, Layer, Result, Schedule } from "effect"
import { SecureRandom } from "effect/crypto"
import * as KeyRing from "../access/KeyRing.ts"
import * as MessageIntegrity from "../access/MessageIntegrity.ts"
import type { RelayPlace } from "../call/CallState.ts"
import type { Relocation } from "../call/Relocation.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import type { CallId } from "../protocol/Ids.ts"
import * as Stun from "../protocol/Stun.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { Answers, type Question } from "./Answers.ts"
import type { ControlDatagram } from "./ControlInbox.ts"
import { ControlOutbox } from "./ControlOutbox.ts"
import { RelayCore } from "./RelayCore.ts"

/** 20 ms, doubling to 200 ms. By the end the call's actor has said it itself. */
const repeats = Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("200 millis")])
const repeatFor = "3 seconds"

/** What relays tell each other of participants who have come to them, while the call's actor does not answer. */
export class Relocations extends Context.Service<
  Relocations,
  {
    /** In the background, until the relay has understood. */
    readonly tell: (place: RelayPlace, call: CallId, relocation: Relocation) => Effect.Effect<void>
    /** What a relay of the fleet says; it is answered. */
    readonly handleRequest: (
      request: ControlMessage.RelocateRequest,
      question: Question,
      integrity: Stun.IntegrityLocation
    ) => Relocation | undefined
    readonly handleSuccess: (
      success: ControlMessage.RelocateSuccess,
      datagram: ControlDatagram,
      integrity: Stun.IntegrityLocation
    ) => void
  }
>()("tandem/pipeline/Relocations") {
  static readonly layer = Layer.effect(
    Relocations,
    Effect.gen(function* () {
      const { controlCounters, options } = yield* RelayCore
      const answers = yield* Answers
      const outbox = yield* ControlOutbox
      const { randomBytes } = yield* SecureRandom.SecureRandom
      const scope = yield* Effect.scope
      const { keyRing, relayId } = options
      const open = new Map<string, { readonly key: Uint8Array; readonly understood: Deferred.Deferred<void> }>()

      const tell = Effect.fnUntraced(function* (place: RelayPlace, call: CallId, relocation: Relocation) {
        const address = PackedAddress.parse(place.address)
        if (Result.isFailure(address)) return
        const { id: keyId, trunkKey: key } = KeyRing.newest(keyRing)
        const transactionId = yield* randomBytes(Stun.transactionIdBytes)
        const { epoch, participant, relay, restores } = relocation
        const request = { transactionId, keyId, relay: relayId, call, participant, epoch, restores, legTag: relay.tag }
        const bytes = MessageIntegrity.sign(ControlMessage.encode({ _tag: "RelocateRequest", ...request }), key)
        const understood = yield* Deferred.make<void>()
        const name = transactionId.join(".")
        open.set(name, { key, understood })
        yield* Effect.sync(() => outbox.send(bytes, address.success)).pipe(
          Effect.repeat(repeats),
          Effect.raceFirst(Deferred.await(understood)),
          Effect.timeoutOption(repeatFor),
          Effect.ensuring(Effect.sync(() => open.delete(name)))
        )
      })

      return Relocations.of({
        tell: (place, call, relocation) =>
          Effect.asVoid(Effect.forkIn(tell(place, call, relocation), scope, { startImmediately: true })),
        handleRequest: (request, question, integrity) => {
          const { datagram } = question
          const key = KeyRing.find(keyRing, request.keyId)
          if (Result.isFailure(key) || !MessageIntegrity.verify(datagram.bytes, integrity, key.success.trunkKey)) {
            controlCounters.unauthenticated++
            return undefined
          }
          const { epoch, legTag: tag, participant, relay: id, restores, transactionId } = request
          answers.grant(question, { _tag: "RelocateSuccess", transactionId }, key.success.trunkKey)
          return { participant, epoch, restores, relay: { id, address: PackedAddress.format(datagram.address), tag } }
        },
        handleSuccess: ({ transactionId }, { bytes }, integrity) => {
          const told = open.get(transactionId.join("."))
          if (told === undefined) controlCounters.unexpected++
          else if (MessageIntegrity.verify(bytes, integrity, told.key))
            Deferred.doneUnsafe(told.understood, Effect.void)
          else controlCounters.unauthenticated++
        }
      })
    })
  )
}
