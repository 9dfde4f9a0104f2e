import { Cause, Effect, Exit, Layer, Scope } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { PostgresServer } from "../../servers/PostgresServer.ts"
import * as Fleet from "./Fleet.ts"
import * as StandInRelay from "./StandInRelay.ts"

/** How the node dies: at once, or so that its connections stay open and nothing of it runs any more. */
export const variants = [
  { name: "killed", signal: "SIGKILL" },
  { name: "silent", signal: "SIGSTOP" }
] as const
export type Variant = (typeof variants)[number]

/** What is waited for a call at most. Milliseconds. */
export const waitMs = 60_000
/** After the last join. Milliseconds. */
const settleMs = 2000
/** For everything before the blow: a fleet that does not come about is no figure. */
const preparationTimeout = "5 minutes"

/** Of a round that has not come to the blow. */
const repeats = 2
/** For this process's node to end. Milliseconds. */
const endMs = 10_000

export interface Round {
  /** From the blow to the first plan of a new owner, for every call that has got one. Milliseconds. */
  readonly tookMs: ReadonlyArray<number>
  /** Calls that have got none. */
  readonly neverRecovered: number
  /** The node in this process has ended when it was told to, after all the others. */
  readonly hasEnded: boolean
}

/** Does the work at a node in this process, and does not wait for ever for the node's end. */
const atOwnNode = Effect.fnUntraced(function* <A, E>(
  url: string,
  work: Effect.Effect<A, E, Layer.Success<ReturnType<typeof Fleet.layer>> | Scope.Scope>
) {
  const life = yield* Scope.make()
  // Its loops go on if it does not end, and find no database: whoever has waited for this long goes on without it.
  const end = Effect.promise(() =>
    Promise.race([Effect.runPromise(Scope.close(life, Exit.void)).then(() => true), sleep(endMs, false)])
  )
  const node = yield* Layer.buildWithScope(Layer.fresh(Fleet.layer(url)), life)
  const exit = yield* Effect.exit(Effect.provide(Effect.scoped(work), node))
  const hasEnded = yield* end
  return { result: yield* exit, hasEnded }
})

/** A fleet with a database of its own, in which the node dies that has the actors of all calls. */
export const measure = ({ signal }: Variant, calls: number) =>
  Effect.gen(function* () {
    const { url } = yield* PostgresServer
    const prepare = Effect.gen(function* () {
      const victim = yield* Fleet.start(url)
      const ids = yield* Fleet.callsOf(victim, calls)
      const relay = yield* StandInRelay.make(ids)
      yield* Effect.sleep(settleMs)
      const held = yield* Fleet.heldBy(victim, ids)
      if (held.length < calls) return yield* Effect.fail(new Error("calls have moved before their node has died"))
      return { relay, victim }
    })
    const round = Effect.gen(function* () {
      const { relay, victim } = yield* Effect.timeout(prepare, preparationTimeout)
      const atMs = performance.now()
      victim.child.kill(signal)
      const tookMs = yield* relay.recoveries(atMs, waitMs)
      return { tookMs, neverRecovered: calls - tookMs.length }
    })
    // The other nodes end before, and so do the reports: this one has nobody to hand its calls over to.
    const { hasEnded, result } = yield* atOwnNode(url, round)
    return { ...result, hasEnded } satisfies Round
  }).pipe(
    Effect.provide(PostgresServer.layer, { local: true }),
    Effect.scoped,
    // On a busy machine living nodes take each other for dead, and a join that is on its way to one is cut off. What is
    // measured must begin with a fleet that is at rest.
    Effect.catchCause((cause) => Effect.fail(new Error(`no round: ${Cause.pretty(cause)}`))),
    Effect.tapError((error) => Effect.sync(() => console.error(error.message))),
    Effect.retry({ times: repeats })
  )
