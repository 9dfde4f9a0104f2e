import { Effect, Semaphore } from "effect"
import type { PortCounters } from "../DatagramNetwork.ts"
import { reset, type SendBatch } from "../PacketBatch.ts"
import type { Readiness } from "./Readiness.ts"
import * as SendGroups from "./SendGroups.ts"
import * as SendTable from "./SendTable.ts"

/** How long a full send buffer is waited for; what is left then is dropped: old media is worth nothing. */
const waitMs = 5

/**
 * Sends one batch after the other, each as far as the system takes it; what it does not take now waits, the worthiest
 * first, and whoever sends meanwhile waits behind.
 */
export const make = (options: {
  readonly socket: number
  readonly table: SendTable.SendTable
  readonly readiness: Readiness
  readonly counters: PortCounters
  readonly isClosed: () => boolean
}) => {
  const { counters, isClosed, readiness, socket, table } = options
  const turn = Semaphore.makeUnsafe(1)
  let groups = SendGroups.make(0)
  /** Those whose packets the system did not take at once, and who wait behind them. */
  let waiting = 0

  /** Goes on from message `from` when the system takes more, or drops what is left when it does not in time. */
  const sendRest = (batch: SendBatch, from: number): Effect.Effect<void> => {
    SendGroups.putWorthiestFirst(groups, from)
    return Effect.timeoutOption(readiness.untilWritable, waitMs).pipe(
      Effect.flatMap(() => {
        const next = isClosed() ? from : SendTable.send(table, socket, groups, batch, from, counters)
        if (next < groups.count && next > from) return sendRest(batch, next)
        for (let group = next; group < groups.count; group++) counters.droppedSendFailed += groups.packets[group]!
        return Effect.sync(() => reset(batch))
      })
    )
  }

  /** Sends what the system takes at once. The first message that it did not take; -1 when none is left. */
  const sendNow = (batch: SendBatch): number => {
    if (batch.count === 0) return -1
    if (isClosed()) counters.droppedSendFailed += batch.count
    else {
      if (groups.first.length < batch.capacity) groups = SendGroups.make(batch.capacity)
      SendGroups.gather(groups, batch, table.segmentation)
      counters.sentBatches++
      const next = SendTable.send(table, socket, groups, batch, 0, counters)
      if (next < groups.count) return next
    }
    reset(batch)
    return -1
  }

  const sendInTurn = (batch: SendBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      const next = sendNow(batch)
      return next < 0 ? Effect.void : sendRest(batch, next)
    })

  const oneFewerWaits = Effect.sync(() => {
    waiting--
  })

  return (batch: SendBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      const next = waiting > 0 ? 0 : sendNow(batch)
      if (next < 0) return Effect.void
      const rest = waiting++ > 0 ? sendInTurn(batch) : sendRest(batch, next)
      return Effect.uninterruptible(Effect.ensuring(turn.withPermit(rest), oneFewerWaits))
    })
}
