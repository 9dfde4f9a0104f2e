import { Effect, Option, type Scope } from "effect"
import type { CallId } from "../protocol/Ids.ts"
import type { CallStore } from "../state/CallStore.ts"

/**
 * Ephemeral state of one call on its way to the store and back: in the background, one at a time and not often. What fails or
 * hangs is missed by nobody, and no decision waits for it.
 */
export interface Checkpoints {
  readonly id: CallId
  readonly store: CallStore["Service"]
  /** The actor's: with it ends what is under way. */
  readonly scope: Scope.Scope
  isWriting: boolean
  /** What an owner before has left is not written over before it is read. */
  readsUnderWay: number
  writtenAtMs: number
}

/** docs/architecture.md: a crash costs no more than this of ephemeral state. Milliseconds. */
export const everyMs = 5000
/** Who takes many calls over reads first what decisions need. */
const readAfter = "1 second"
/** The owner's own estimates are not kept from the store for ever by what was there before. */
const readTimeout = "5 seconds"

export const make = (id: CallId, store: CallStore["Service"], scope: Scope.Scope): Checkpoints => ({
  id,
  store,
  scope,
  isWriting: false,
  readsUnderWay: 0,
  writtenAtMs: -Infinity
})

export const isDue = ({ isWriting, readsUnderWay, writtenAtMs }: Checkpoints, nowMs: number): boolean =>
  !isWriting && readsUnderWay === 0 && nowMs - writtenAtMs >= everyMs

export const write = (self: Checkpoints, bytes: Uint8Array, nowMs: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    self.isWriting = true
    self.writtenAtMs = nowMs
    const written = self.store
      .checkpoint(self.id, bytes)
      .pipe(Effect.timeout(everyMs), Effect.ignore, Effect.ensuring(Effect.sync(() => (self.isWriting = false))))
    return Effect.asVoid(Effect.forkIn(written, self.scope))
  })

/** `take` gets what an owner before has left, if anything can be read. Until then nothing is due to be written. */
export const read = (self: Checkpoints, take: (bytes: Uint8Array) => Effect.Effect<void>): Effect.Effect<void> =>
  Effect.suspend(() => {
    self.readsUnderWay++
    const taken = Effect.sleep(readAfter).pipe(
      Effect.andThen(Effect.timeout(self.store.loadCheckpoint(self.id), readTimeout)),
      Effect.flatMap(Option.match({ onNone: () => Effect.void, onSome: take })),
      Effect.ignore,
      // Whoever has just loaded the call may not be interrupted; this may.
      Effect.interruptible,
      Effect.ensuring(Effect.sync(() => void self.readsUnderWay--))
    )
    return Effect.asVoid(Effect.forkIn(taken, self.scope))
  })
