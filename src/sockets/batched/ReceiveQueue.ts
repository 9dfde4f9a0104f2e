import { Effect } from "effect"
import { PortClosed, type PortCounters } from "../DatagramNetwork.ts"
import type { PacketBatch } from "../PacketBatch.ts"
import * as ArrivalSample from "./ArrivalSample.ts"
import * as Abi from "./LinuxAbi.ts"
import type { Readiness } from "./Readiness.ts"
import * as ReceiveMemory from "./ReceiveMemory.ts"
import * as ReceivePace from "./ReceivePace.ts"
import * as ReceiveTable from "./ReceiveTable.ts"
import type { SystemCalls } from "./SystemCalls.ts"

/**
 * Takes in what has arrived, a batch at a time, and waits when there is none: in the event loop, or where datagrams come
 * densely in the system call that receives them. For one reader.
 */
export const make = (options: {
  readonly calls: SystemCalls
  readonly socket: number
  readonly table: ReceiveTable.ReceiveTable
  readonly memory: ReceiveMemory.ReceiveMemory
  readonly readiness: Readiness
  readonly counters: PortCounters
  readonly isClosed: () => boolean
  readonly nowMs: () => number
}): Effect.Effect<PacketBatch, PortClosed> => {
  const { calls, counters, isClosed, memory, nowMs, readiness, socket, table } = options
  const { batch } = table
  const pace = ReceivePace.make()
  const arrivals = ArrivalSample.make(nowMs())
  /** The last call took all there was. */
  let isDrained = true

  const receive = (mayBlock: boolean, beforeMs: number): boolean => {
    batch.arrivedAtMs = NaN
    if (!ReceiveTable.hasMore(table)) {
      const isSample = ArrivalSample.isDue(arrivals, beforeMs)
      // The kernel stamps whatever arrives from the first time on; to hand the stamps over is what costs.
      if (isSample) calls.setOption(socket, Abi.SOL_SOCKET, Abi.SO_TIMESTAMPNS, 1)
      isDrained = ReceiveTable.receive(table, calls, socket, mayBlock) < table.slots
      batch.backlog = isDrained ? 0 : ReceiveMemory.read(memory, calls, socket).usedShare
      if (isSample) {
        calls.setOption(socket, Abi.SOL_SOCKET, Abi.SO_TIMESTAMPNS, 0)
        batch.arrivedAtMs = ArrivalSample.arrivedAtMs(arrivals, ReceiveTable.stampMs(table), calls.wallMs(), nowMs())
      }
    }
    ReceiveTable.take(table, counters)
    pace.datagrams += batch.count
    return batch.count > 0
  }

  const pull: Effect.Effect<PacketBatch, PortClosed> = Effect.suspend(() => {
    if (isClosed()) return closed
    const isThere = ReceiveTable.hasMore(table) || !isDrained
    if (!isThere && !ReceivePace.isDense(pace)) return arrived
    const beforeMs = nowMs()
    if (ReceivePace.isTurnOver(pace, beforeMs)) return later
    if (receive(!isThere, beforeMs)) return found
    ReceivePace.handleSilence(pace)
    return arrived
  })
  /** Whether the event loop has said that something is there, or only had its turn. */
  const inNewTurn = (hasArrived: boolean): Effect.Effect<PacketBatch, PortClosed> =>
    Effect.suspend(() => {
      if (isClosed()) return closed
      const beforeMs = nowMs()
      ReceivePace.beginTurn(pace, beforeMs)
      return hasArrived && receive(false, beforeMs) ? found : pull
    })
  // Made once: a relay goes through here for every batch.
  const closed = Effect.fail(new PortClosed())
  const found = Effect.succeed(batch)
  const later = Effect.andThen(Effect.yieldNow, inNewTurn(false))
  const arrived = Effect.andThen(readiness.untilReadable, inNewTurn(true))
  return pull
}
