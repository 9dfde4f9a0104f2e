import { Effect, Layer, Option, Result, Stream } from "effect"
import { CallLocator } from "../actor/CallLocator.ts"
import * as KeyRing from "../access/KeyRing.ts"
import { findParticipant, type Participant } from "../call/CallState.ts"
import * as Leg from "../media/Leg.ts"
import type { CallId } from "../protocol/Ids.ts"
import * as TokenClaims from "../protocol/TokenClaims.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { Throttle } from "../throttle/Throttle.ts"
import * as CallEntry from "./CallEntry.ts"
import { CallPlaces } from "./CallPlaces.ts"
import * as LegTable from "./LegTable.ts"
import { RelayCore } from "./RelayCore.ts"
import * as RelayLeg from "./RelayLeg.ts"
import { RelayLife } from "./RelayLife.ts"
import * as Session from "./Session.ts"
import { StrayInbox } from "./StrayInbox.ts"
import * as StrayTable from "./StrayTable.ts"
import * as TrunkTable from "./TrunkTable.ts"

/** Legs that are looked for at once. */
const concurrency = 64
/** What the store says is of use at once, or never. */
const storeTimeout = "1 second"
/** A leg that is nobody's stays nobody's. Milliseconds. */
const nobodysForMs = 5000
/** What could not be done now may be done a moment later. Milliseconds. */
const notNowForMs = 500
/** As long as its relay lives, the leg is where it was last seen for so long. Milliseconds. */
const elsewhereForMs = 2000

/** What is to become of a leg that is not here; or it is here by now. */
type Finding = StrayTable.StrayState | "here"

/**
 * Finds out where the legs belong that frames come for and that are not here: to another relay that lives, which gets the
 * frames, or to none, and then the session goes on here. Its device does nothing for it.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { controlCounters, draining, forwarding, nowMs, options, routing } = yield* RelayCore
    const inbox = yield* StrayInbox
    const locator = yield* CallLocator
    const life = yield* RelayLife
    const places = yield* CallPlaces
    const throttle = yield* Throttle
    const entry = yield* CallEntry.make

    const refused = (forMs: number, isAddress = false): Finding => ({
      _tag: "Refused",
      isAddress,
      untilMs: nowMs() + forMs
    })

    /** The leg as critical state has it; the key is derived from the claims that the participant has joined with. */
    const restore = Effect.fnUntraced(function* (call: CallId, participant: Participant, stray: StrayTable.Stray) {
      const { callClass, deviceLegTag, epoch, id, keyId, legTag, restores, streams } = participant
      const claims = { keyId, callClass, call, participant: id, expiresAtSeconds: participant.tokenExpiresAtSeconds }
      const key = KeyRing.participantKey(options.keyRing, TokenClaims.encode(claims), keyId)
      if (Result.isFailure(key)) return refused(nobodysForMs)
      yield* throttle.admit({ priority: "resume", caller: id, tenant: keyId })
      const relay = yield* places.enter(call)
      const granted = yield* entry.restore(call, { id, relay, legTag, epoch, restores })
      // Whoever forges the device's address can have it looked for twice.
      if (!LegTable.isFree(forwarding.legs, legTag)) return "here"
      const leg = RelayLeg.make({
        call,
        participant: id,
        streams,
        receiveTag: legTag,
        sendTag: deviceLegTag,
        epoch,
        sendEpoch: epoch + granted.restores,
        address: stray.address,
        repair: options.repair,
        startBps: options.startBps
      })
      yield* entry.open(Session.make(leg, granted, claims, key.success, "restored", nowMs()), granted)
      // Nobody knows what was lost of the streams meanwhile.
      for (const request of leg.hop.keyFrames) Leg.requestKeyFrame(leg.hop, request)
      controlCounters.restored++
      return "here"
    }, Effect.scoped)

    const find = Effect.fnUntraced(function* (stray: StrayTable.Stray) {
      const { address, epoch, isHandedOver, legTag } = stray
      const owner = yield* locator.findByAddress(PackedAddress.format(address)).pipe(Effect.timeout(storeTimeout))
      if (Option.isNone(owner)) return refused(nobodysForMs, true)
      const { call } = owner.value
      const state = yield* locator.load(call).pipe(Effect.timeout(storeTimeout))
      const participant = findParticipant(state, owner.value.participant)
      if (participant?.legTag !== legTag) return refused(nobodysForMs)
      if (epoch !== undefined && epoch !== (participant.epoch & 0xff)) return refused(nobodysForMs)
      const others = state.relays.filter(({ id }) => id !== options.relayId)
      // If the session goes on here, what was kept is to get to them at once.
      for (const place of others) TrunkTable.to(routing.trunks, place, nowMs())
      const place = others.find(({ id }) => id === participant.relay)
      if (place !== undefined) {
        // Whoever has handed it over knows less than the state, or more: either will show.
        if (isHandedOver) return refused(notNowForMs)
        const trunk = yield* life.trunkTo(place)
        if (trunk !== undefined) return { _tag: "Elsewhere", trunk, untilMs: nowMs() + elsewhereForMs } as const
      }
      if (draining.isOpen()) return refused(notNowForMs)
      // Its device may have come by itself meanwhile.
      return LegTable.isFree(forwarding.legs, legTag) ? yield* restore(call, participant, stray) : "here"
    })

    const settle = (stray: StrayTable.Stray, finding: Finding): void => {
      if (finding === "here") StrayTable.forget(inbox.table, stray)
      else StrayTable.settle(inbox.table, stray, finding)
      inbox.release(stray)
    }

    const notNow = () => Effect.sync(() => refused(notNowForMs))
    const handle = (stray: StrayTable.Stray) =>
      find(stray).pipe(
        Effect.catchTags({
          // The device has come onto another leg since the state was read, or another relay was first.
          StaleEpoch: notNow,
          UnknownParticipant: notNow,
          Refused: notNow,
          // The state server is away, as its own warnings say.
          CallStoreError: notNow,
          TimeoutError: notNow
        }),
        Effect.catchCause((cause) =>
          Effect.andThen(Effect.logWarning("it could not be found out whose leg it is", cause), notNow())
        ),
        Effect.map((finding) => settle(stray, finding))
      )

    yield* Stream.fromQueue(inbox.asked).pipe(
      Stream.mapEffect(handle, { concurrency, unordered: true }),
      Stream.runDrain,
      Effect.forkScoped
    )
  })
)
