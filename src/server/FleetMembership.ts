import { Effect, Exit, Layer, Scope } from "effect"
import * as KeyRing from "../access/KeyRing.ts"
import { RelayDirectory } from "../cluster/RelayDirectory.ts"
import { RelayCore } from "../pipeline/RelayCore.ts"
import * as RelayPeers from "../pipeline/RelayPeers.ts"
import type { RelayId } from "../protocol/Ids.ts"
import { Throttle } from "../throttle/Throttle.ts"

/** The directory beats as often. */
const tellEvery = "1 second"

/**
 * The relay is one of its fleet, until the scope ends: named to devices as a backup, and not taken for another. One that is
 * of no use any more leaves the fleet at once, whether it is closed or not.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { calls, draining, fault, incarnation, options, place } = yield* RelayCore
    const directory = yield* RelayDirectory
    const throttle = yield* Throttle
    const { keyRing, relayId: relay } = options
    const membership = yield* Scope.fork(yield* Effect.scope)
    const tell = Effect.suspend(() => {
      const fullness = throttle.fullness()
      return directory.update(relay, {
        participants: calls.sessionsByTag.size,
        isDraining: draining.isOpen(),
        ...(Number.isFinite(fullness) && { fullness: Math.round(100 * fullness) / 100 })
      })
    })
    yield* Effect.gen(function* () {
      yield* directory.register({ relay, incarnation, address: place, keyFingerprints: KeyRing.fingerprints(keyRing) })
      yield* tell.pipe(Effect.andThen(Effect.sleep(tellEvery)), Effect.forever, Effect.forkScoped)
      yield* Effect.forkScoped(Effect.andThen(draining.await, tell))
    }).pipe(Scope.provide(membership))
    yield* Effect.forkScoped(Effect.andThen(fault.raised.await, Scope.close(membership, Exit.void)))
  })
)

/** The relays that are named in the configuration; where there are none, those of the fleet. */
export const layerPeers = (relay: RelayId, named: ReadonlyArray<string>) =>
  named.length > 0
    ? RelayPeers.layerFixed(named)
    : Layer.unwrap(
        Effect.map(RelayDirectory, (directory) =>
          RelayPeers.layerLive(() =>
            directory.others(relay).map(({ address, fullness, isDraining, participants, relay: id, seenAtMs }) => ({
              id,
              address,
              fullness,
              isDraining,
              participants,
              seenAtMs
            }))
          )
        )
      )
