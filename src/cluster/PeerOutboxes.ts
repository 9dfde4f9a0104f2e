import { Effect } from "effect"
import { type RunnerAddress } from "effect/cluster"
import * as RunnerAddressText from "./RunnerAddressText.ts"

export interface Options<V> {
  /** Both are for one node and one key: what has to be sent. */
  readonly merge: (before: V, after: V) => V
  /** Fails: the node does not answer. */
  readonly send: (node: RunnerAddress.RunnerAddress, batch: ReadonlyArray<V>) => Effect.Effect<void, unknown>
  /** Whether what could not be sent is worth another attempt. */
  readonly mayRetry: (node: RunnerAddress.RunnerAddress) => boolean
  /** In one message. */
  readonly batchMax: number
}

/** What waits for each node. Nodes do not wait for each other, and whoever puts something in waits for none. */
export interface PeerOutboxes<V> {
  readonly put: (node: RunnerAddress.RunnerAddress, key: string, value: V) => Effect.Effect<void>
}

const retryAfter = "100 millis"

/** At most one message is on its way to a node; what comes meanwhile is in the next. So what waits is bounded by the keys. */
export const make = Effect.fnUntraced(function* <V>({ batchMax, mayRetry, merge, send }: Options<V>) {
  const scope = yield* Effect.scope
  const outboxes = new Map<string, Map<string, V>>()

  const putUnsafe = (outbox: Map<string, V>, key: string, value: V) => {
    const before = outbox.get(key)
    outbox.set(key, before === undefined ? value : merge(before, value))
  }

  /** What was taken out is older than what has come since. */
  const putBack = (outbox: Map<string, V>, batch: ReadonlyArray<readonly [string, V]>) => {
    const newer = [...outbox]
    outbox.clear()
    for (const [key, value] of [...batch, ...newer]) putUnsafe(outbox, key, value)
  }

  const takeUnsafe = (outbox: Map<string, V>): ReadonlyArray<readonly [string, V]> => {
    const batch = [...outbox].slice(0, batchMax)
    for (const [key] of batch) outbox.delete(key)
    return batch
  }

  const drain = (node: RunnerAddress.RunnerAddress, outbox: Map<string, V>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const batch = takeUnsafe(outbox)
      // Forgotten in the same step in which it is found empty, so that nothing is put where nobody looks any more.
      if (batch.length === 0) {
        outboxes.delete(RunnerAddressText.format(node))
        return Effect.void
      }
      return send(
        node,
        batch.map(([, value]) => value)
      ).pipe(
        Effect.catch(() => {
          if (mayRetry(node)) {
            putBack(outbox, batch)
            return Effect.sleep(retryAfter)
          }
          outbox.clear()
          return Effect.void
        }),
        Effect.andThen(drain(node, outbox))
      )
    })

  const put = Effect.fnUntraced(function* (node: RunnerAddress.RunnerAddress, key: string, value: V) {
    const address = RunnerAddressText.format(node)
    const outbox = outboxes.get(address)
    if (outbox !== undefined) return putUnsafe(outbox, key, value)
    const made = new Map([[key, value]])
    outboxes.set(address, made)
    yield* Effect.forkIn(drain(node, made), scope)
  })

  return { put } satisfies PeerOutboxes<V>
})
