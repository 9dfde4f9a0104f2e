import { Context, Effect, Layer, Queue, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import * as KeyRing from "../access/KeyRing.ts"
import * as MessageIntegrity from "../access/MessageIntegrity.ts"
import { nonceBytes } from "../protocol/ControlAttribute.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import * as Stun from "../protocol/Stun.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { Answers, type Question } from "./Answers.ts"
import * as CallRoutes from "./CallRoutes.ts"
import type { ControlDatagram } from "./ControlInbox.ts"
import { ControlOutbox } from "./ControlOutbox.ts"
import * as LegTable from "./LegTable.ts"
import * as LegTimers from "./LegTimers.ts"
import { RelayCore } from "./RelayCore.ts"
import * as RelayLeg from "./RelayLeg.ts"
import * as TrunkTable from "./TrunkTable.ts"

/** A proof is asked for again after 20 ms, doubling up to a second. */
const retryMsFirst = 20
const retryMsMax = 1000
/** An open trunk is proved anew this often: so a relay that has started again is noticed. */
const proofEveryMs = 2000
/** A trunk that no call needs is closed. */
const closeAfterMs = 60_000
/** A relay that no call here needs is asked so often. */
const proofsMaxWithoutCalls = 4

/**
 * Opens trunks to the relays that the plans name, and keeps them open. Each side asks the other for a proof: an answer to
 * a nonce, signed with a key of the fleet, from the address that was asked. Nothing is sent on a trunk, and nothing that
 * comes on it is believed, before.
 */
export class Trunks extends Context.Service<
  Trunks,
  {
    readonly handleRequest: (
      request: ControlMessage.TrunkRequest,
      question: Question,
      integrity: Stun.IntegrityLocation
    ) => Effect.Effect<void>
    readonly handleSuccess: (
      success: ControlMessage.TrunkSuccess,
      datagram: ControlDatagram,
      integrity: Stun.IntegrityLocation
    ) => void
  }
>()("tandem/pipeline/Trunks") {
  static readonly layer = Layer.effect(
    Trunks,
    Effect.gen(function* () {
      const { controlCounters, forwarding, nowMs, options, routing } = yield* RelayCore
      const answers = yield* Answers
      const outbox = yield* ControlOutbox
      const { randomBytes } = yield* SecureRandom.SecureRandom
      const { trunks: table } = routing
      const { keyRing, relayId } = options
      const wake = yield* Queue.sliding<void>(1)
      table.wake = () => Queue.offerUnsafe(wake, undefined)

      /** The tag that the trunk has, or gets now. */
      const tagOf = Effect.fnUntraced(function* (trunk: TrunkTable.Trunk) {
        trunk.receiveTag ??= yield* randomBytes(4).pipe(
          Effect.map((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)),
          Effect.repeat({ until: (tag) => LegTable.isFree(forwarding.legs, tag) })
        )
        return trunk.receiveTag
      })

      const closeLeg = ({ open }: TrunkTable.Trunk): void => {
        if (open === undefined) return
        LegTable.remove(forwarding.legs, open.leg)
        LegTimers.remove(forwarding.timers, open.leg)
      }

      const reconnect = ({ calls }: TrunkTable.Trunk): void => {
        for (const call of calls) CallRoutes.connect(routing, call, nowMs())
      }

      const prove = Effect.fnUntraced(function* (trunk: TrunkTable.Trunk) {
        const address = PackedAddress.parse(trunk.address)
        trunk.proofDueMs = nowMs() + Math.min(retryMsMax, retryMsFirst * 2 ** trunk.unanswered++)
        // A relay that names no address of ours cannot be reached; its plan may name another one later.
        if (Result.isFailure(address)) return
        const legTag = yield* tagOf(trunk)
        const { id: keyId, trunkKey } = KeyRing.newest(keyRing)
        const proof = (trunk.proof ??= {
          transactionId: yield* randomBytes(Stun.transactionIdBytes),
          nonce: yield* randomBytes(nonceBytes),
          key: trunkKey
        })
        const { incarnation, relay: target } = trunk
        const { nonce, transactionId } = proof
        const request = { transactionId, keyId, relay: relayId, target, incarnation, nonce, legTag }
        const message = ControlMessage.encode({ _tag: "TrunkRequest", ...request })
        outbox.send(MessageIntegrity.sign(message, proof.key), address.success)
      })

      const isOutOfUse = ({ unusedSinceMs }: TrunkTable.Trunk): boolean => nowMs() - unusedSinceMs >= closeAfterMs

      /** What is due, and when the next is. Infinity: nothing will be. */
      const turn = Effect.fnUntraced(function* () {
        let nextMs = Infinity
        for (const trunk of table.trunks.values()) {
          const isDue = trunk.proofDueMs <= nowMs()
          const isGivenUp = isDue && trunk.unanswered >= proofsMaxWithoutCalls
          if (trunk.calls.size === 0 && (trunk.open === undefined ? isGivenUp : isOutOfUse(trunk))) {
            closeLeg(trunk)
            table.trunks.delete(trunk.relay)
            continue
          }
          if (isDue) yield* prove(trunk)
          nextMs = Math.min(nextMs, trunk.proofDueMs)
        }
        return nextMs - nowMs()
      })

      yield* turn().pipe(
        Effect.flatMap((waitMs) =>
          waitMs === Infinity ? Queue.take(wake) : Effect.timeoutOption(Queue.take(wake), Math.max(1, waitMs))
        ),
        Effect.forever,
        Effect.forkScoped
      )

      const handleRequest = Effect.fnUntraced(function* (
        request: ControlMessage.TrunkRequest,
        question: Question,
        integrity: Stun.IntegrityLocation
      ) {
        const { datagram } = question
        const key = KeyRing.find(keyRing, request.keyId)
        if (Result.isFailure(key) || !MessageIntegrity.verify(datagram.bytes, integrity, key.success.trunkKey)) {
          controlCounters.unauthenticated++
          return
        }
        // One of the two was given the other's name, or the other's address.
        if (request.target !== relayId || request.relay === relayId) {
          controlCounters.unexpected++
          return
        }
        // Whoever has captured this can send it from anywhere: what is known of the trunk stays as it is.
        const place = { id: request.relay, address: PackedAddress.format(datagram.address) }
        const known = table.trunks.get(request.relay)
        const trunk = known ?? TrunkTable.to(table, place, nowMs())
        // It may have been captured: whoever is at this address is asked once.
        if (known === undefined) trunk.unanswered = proofsMaxWithoutCalls - 1
        const { nonce, transactionId } = request
        const { incarnation } = trunk
        const answer = { transactionId, relay: relayId, incarnation, nonce, legTag: yield* tagOf(trunk) }
        answers.grant(question, { _tag: "TrunkSuccess", ...answer }, key.success.trunkKey)
        if (trunk.open?.peerIncarnation !== request.incarnation && trunk.proof === undefined) {
          trunk.proofDueMs = nowMs()
          table.wake()
        }
      })

      const handleSuccess = (
        success: ControlMessage.TrunkSuccess,
        { address, bytes }: ControlDatagram,
        integrity: Stun.IntegrityLocation
      ): void => {
        const trunk = table.trunks.get(success.relay)
        const proof = trunk?.proof
        if (trunk === undefined || proof === undefined || !isSame(proof.nonce, success.nonce)) {
          controlCounters.unexpected++
          return
        }
        const isFromThere = PackedAddress.format(address) === trunk.address
        if (!isFromThere || !MessageIntegrity.verify(bytes, integrity, proof.key)) {
          controlCounters.unauthenticated++
          return
        }
        trunk.proof = undefined
        trunk.unanswered = 0
        trunk.proofDueMs = nowMs() + proofEveryMs
        trunk.heardAtMs = nowMs()
        const isAsBefore =
          trunk.open?.peerIncarnation === success.incarnation &&
          trunk.open.leg.sendTag === success.legTag &&
          PackedAddress.equals(trunk.open.leg.hop.send.address, 0, address, 0)
        if (isAsBefore) return
        closeLeg(trunk)
        const leg = RelayLeg.makeTrunk({
          receiveTag: trunk.receiveTag!,
          sendTag: success.legTag,
          // Both sides know both: frames from before either has started anew are not of this trunk.
          epoch: (trunk.incarnation + success.incarnation) & 0xff,
          address,
          repair: options.repair
        })
        trunk.open = { leg, peerIncarnation: success.incarnation }
        LegTable.add(forwarding.legs, leg)
        reconnect(trunk)
      }

      return Trunks.of({ handleRequest, handleSuccess })
    })
  )
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, at) => byte === b[at])
