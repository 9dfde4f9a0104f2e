import { Context, Effect, Layer } from "effect"
import { Directives } from "./Directives.ts"
import * as Lingering from "./Lingering.ts"
import { RelayCore } from "./RelayCore.ts"
import { RelayPeers } from "./RelayPeers.ts"
import type { Session } from "./Session.ts"

/** Devices that have nowhere else to go are told, and no more: they wait for this relay's successor. Milliseconds. */
const farewellMs = 500
const lookEveryMs = 20

/**
 * A relay that is to stop takes nobody any more, tells its devices, and goes on until all have gone to other relays: each
 * keeps this one until the next has taken it.
 */
export class Drain extends Context.Service<
  Drain,
  {
    /** Ends when nobody is here any more, or after this time. */
    readonly drain: (withinMs: number) => Effect.Effect<void>
  }
>()("tandem/pipeline/Drain") {
  static readonly layer = Layer.effect(
    Drain,
    Effect.gen(function* () {
      const { calls, draining, fault, forwarding, nowMs, routing } = yield* RelayCore
      const directives = yield* Directives
      const peers = yield* RelayPeers

      const isOver = () => calls.sessionsByTag.size === 0 && routing.lingering.length === 0

      const tell = (session: Session, withinMs: number) =>
        directives
          .sendGoingAway(session, withinMs)
          .pipe(
            Effect.timeoutOption(peers.backups(session.call).length > 0 ? withinMs : Math.min(farewellMs, withinMs)),
            Effect.asVoid
          )

      /** Those who can go somewhere. What comes after them to legs that they have left is waited for too. */
      const waitForLeavers = (untilMs: number) => {
        const waitsForSomebody = () =>
          !isOver() &&
          nowMs() < untilMs &&
          (routing.lingering.length > 0 ||
            [...calls.sessionsByTag.values()].some(({ call }) => peers.backups(call).length > 0))
        // Whoever does it otherwise may have been closed already.
        const sweep = Effect.sync(() => Lingering.sweep(routing.lingering, forwarding, nowMs()))
        return Effect.andThen(Effect.sleep(lookEveryMs), sweep).pipe(Effect.repeat({ while: waitsForSomebody }))
      }

      return Drain.of({
        drain: (askedMs) =>
          Effect.suspend(() => {
            draining.openUnsafe()
            // Nobody can be heard any more, so that nobody is seen to go.
            const withinMs = fault.reason === undefined ? askedMs : Math.min(farewellMs, askedMs)
            const untilMs = nowMs() + withinMs
            if (isOver()) return Effect.void
            return Effect.forEach([...calls.sessionsByTag.values()], (session) => tell(session, withinMs), {
              concurrency: "unbounded",
              discard: true
            }).pipe(Effect.andThen(waitForLeavers(untilMs)), Effect.asVoid)
          })
      })
    })
  )
}
