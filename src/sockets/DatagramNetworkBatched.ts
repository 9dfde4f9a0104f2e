import { Clock, Effect, Layer } from "effect"
import * as BoundSocket from "./batched/BoundSocket.ts"
import * as Readiness from "./batched/Readiness.ts"
import * as ReceiveMemory from "./batched/ReceiveMemory.ts"
import * as ReceiveQueue from "./batched/ReceiveQueue.ts"
import * as ReceiveTable from "./batched/ReceiveTable.ts"
import * as SendQueue from "./batched/SendQueue.ts"
import * as SendTable from "./batched/SendTable.ts"
import type { SystemCalls } from "./batched/SystemCalls.ts"
import {
  DatagramNetwork,
  type DatagramPort,
  makePortCounters,
  type OpenOptions,
  portNotOpened
} from "./DatagramNetwork.ts"
import { shortcomings } from "./KernelBuffers.ts"

const describe = ({ coalescing, segmentation }: BoundSocket.BoundSocket): string => {
  const offload = segmentation ? "segmentation offload" : "no segmentation offload: the kernel is older than 4.18"
  return `batched system calls, ${offload}${segmentation && coalescing ? " both ways" : ""}`
}

const open = Effect.fnUntraced(function* (calls: SystemCalls, options: OpenOptions) {
  const bound = yield* BoundSocket.open(calls, options)
  const { address, buffers, coalescing, family, segmentation, socket } = bound
  const readiness = Readiness.open(calls, socket)
  if (typeof readiness === "number") return yield* portNotOpened(options, BoundSocket.failureOf(readiness))
  calls.useLargePages(calls.addressOf(options.memory.bytes.buffer), options.memory.bytes.byteLength)
  const clock = yield* Clock.Clock
  const memory = ReceiveMemory.make()
  let closed = false
  const isClosed = () => closed

  const counters = {
    ...makePortCounters(),
    get droppedReceiveBufferFull() {
      return closed ? memory.drops : ReceiveMemory.read(memory, calls, socket).drops
    }
  }
  const pull = ReceiveQueue.make({
    calls,
    socket,
    table: ReceiveTable.make(calls, options.memory, coalescing),
    memory,
    readiness,
    counters,
    isClosed,
    nowMs: () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  })
  const send = SendQueue.make({
    socket,
    table: SendTable.make(calls, options.memory, { family, segmentation }),
    readiness,
    counters,
    isClosed
  })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      ReceiveMemory.read(memory, calls, socket)
      closed = true
      readiness.close()
    })
  )
  const about = { description: describe(bound), shortcomings: shortcomings(buffers) }
  return { address, ...about, pull, send, counters } satisfies DatagramPort
})

/** Ports that receive and send in batches of system calls. */
export const layer = (calls: SystemCalls): Layer.Layer<DatagramNetwork> =>
  Layer.succeed(DatagramNetwork, { open: (options) => open(calls, options) })
