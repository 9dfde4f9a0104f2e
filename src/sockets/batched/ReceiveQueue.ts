import { Effect } from "effect"
import { PortClosed, type PortCounters } from "../DatagramNetwork.ts"
import type { PacketBatch } from "../PacketBatch.ts"
import * as GatherPace from "./GatherPace.ts"
import * as Readiness from "./Readiness.ts"
import * as ReceiveMemory from "./ReceiveMemory.ts"
import * as ReceiveTable from "./ReceiveTable.ts"
import type { SystemCalls } from "./SystemCalls.ts"

/** Pulls in a row that need not wait; then timers and control messages have their turn. */
const pullsInRowMax = 16

/** Takes in what has arrived, a batch at a time, and waits when there is none. For one reader. */
export const make = (options: {
  readonly calls: SystemCalls
  readonly socket: number
  readonly table: ReceiveTable.ReceiveTable
  readonly memory: ReceiveMemory.ReceiveMemory
  readonly readiness: Readiness.Readiness
  readonly counters: PortCounters
  readonly isClosed: () => boolean
  readonly nowMs: () => number
}): Effect.Effect<PacketBatch, PortClosed> => {
  const { calls, counters, isClosed, memory, nowMs, readiness, socket, table } = options
  const { batch } = table
  const pace = GatherPace.make()
  const gatherMs = Readiness.gatherMicros / 1000
  let pullsInRow = 0
  /** The last call took all there was. */
  let isDrained = true

  const receive = (): boolean => {
    if (!ReceiveTable.hasMore(table)) {
      isDrained = ReceiveTable.receive(table, calls, socket) < table.slots
      batch.backlog = isDrained ? 0 : ReceiveMemory.read(memory, calls, socket).usedShare
    }
    ReceiveTable.take(table, counters)
    return batch.count > 0
  }

  const pull: Effect.Effect<PacketBatch, PortClosed> = Effect.suspend(() => {
    if (isClosed()) return closed
    const goesOn = ReceiveTable.hasMore(table) || !isDrained
    if (goesOn && pullsInRow++ === pullsInRowMax) {
      pullsInRow = 0
      return later
    }
    if (goesOn && receive()) return received
    pullsInRow = 0
    return pace.gathers ? gathered : arrived
  })
  const woken: Effect.Effect<PacketBatch, PortClosed> = Effect.suspend(() => {
    if (isClosed()) return closed
    const hasReceived = receive()
    GatherPace.handleWaking(pace, batch.count, nowMs(), gatherMs)
    return hasReceived ? received : pull
  })
  // Made once: a relay goes through here for every batch.
  const closed = Effect.fail(new PortClosed())
  const received = Effect.succeed(batch)
  const later = Effect.flatMap(Effect.yieldNow, () => pull)
  const arrived = Effect.flatMap(readiness.untilReadable, () => woken)
  const gathered = Effect.flatMap(readiness.untilGathered, () => woken)
  return pull
}
