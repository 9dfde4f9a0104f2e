import { Effect, Latch, Layer, Queue } from "effect"
import * as ByteSlab from "../protocol/ByteSlab.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import type { PacketBatch } from "../sockets/PacketBatch.ts"
import { ControlInbox } from "./ControlInbox.ts"
import * as Forwarding from "./Forwarding.ts"
import * as LegTimers from "./LegTimers.ts"
import { RelayCore } from "./RelayCore.ts"
import * as QueueWait from "./QueueWait.ts"
import { StrayInbox } from "./StrayInbox.ts"
import * as VitalFiber from "./VitalFiber.ts"

/** Stations 2 to 8 of a packet's path: batch after batch, one clock read and one Effect for each. */
const forward = Effect.fnUntraced(function* (deadlines: Latch.Latch) {
  const { batches, forwarding, nowMs, port, queueWait } = yield* RelayCore
  const inbox = yield* ControlInbox
  const strays = yield* StrayInbox
  const { bytes } = forwarding.resources.rings.memory

  const takeControl = (batch: PacketBatch) => {
    for (let i = 0; i < forwarding.controlCount; i++) {
      const index = forwarding.control[i]!
      const offset = batch.offsets[index]!
      const datagram = {
        bytes: ByteSlab.copy(bytes.subarray(offset, offset + batch.lengths[index]!)),
        address: PackedAddress.take(batch.addresses, index),
        isHandedOver: forwarding.handedOver[index] === 1
      }
      if (!Queue.offerUnsafe(inbox, datagram)) forwarding.counters.dropped.controlQueueFull++
    }
  }

  const sendMedia = port.send(batches.media)
  const forwardNext = Effect.flatMap(port.pull, (batch) => {
    const now = nowMs()
    // It was here before the batch.
    strays.sendReleased(now, batches.media)
    Forwarding.forwardBatch(forwarding, batch, now, batches.media)
    // The fiber below has its turn too seldom where the port always has something.
    if (LegTimers.isDue(forwarding.timers, now)) Forwarding.pollLegs(forwarding, now, batches.media)
    if (forwarding.timers.size > 0) deadlines.openUnsafe()
    if (forwarding.controlCount > 0) takeControl(batch)
    if (forwarding.strayCount > 0) strays.handleBatch(batch, now, batches.media)
    if (batches.media.count === 0) return Effect.void
    const { arrivedAtMs } = batch
    return QueueWait.isDue(queueWait, arrivedAtMs, now)
      ? Effect.map(sendMedia, () => QueueWait.note(queueWait, arrivedAtMs, nowMs()))
      : sendMedia
  })
  // No turn is given away here: a port gives one to all others whenever it has to wait, or has not waited for long.
  yield* Effect.forever(forwardNext, { disableYield: true })
})

/** Polls the legs whose deadlines have come. Sleeps while no leg has one. */
const poll = Effect.fnUntraced(function* (deadlines: Latch.Latch) {
  const { batches, forwarding, nowMs, port } = yield* RelayCore
  const rest = Effect.andThen(Effect.sleep(LegTimers.tickMs), deadlines.await)
  yield* Effect.suspend(() => {
    Forwarding.pollLegs(forwarding, nowMs(), batches.timers)
    if (forwarding.timers.size === 0) deadlines.closeUnsafe()
    return batches.timers.count > 0 ? port.send(batches.timers) : Effect.void
  }).pipe(
    // Between those who are due at the same time what has arrived has its turn.
    Effect.andThen(Effect.suspend(() => (LegTimers.isDue(forwarding.timers, nowMs()) ? Effect.yieldNow : rest))),
    Effect.forever({ disableYield: true })
  )
})

/** The data plane: both fibers end with the layer's scope. A port that closes under them is a defect of the host. */
export const layer: Layer.Layer<never, never, RelayCore | ControlInbox | StrayInbox> = Layer.effectDiscard(
  Effect.gen(function* () {
    const deadlines = yield* Latch.make()
    yield* VitalFiber.run("the packet path", forward(deadlines))
    yield* VitalFiber.run("the packet path's timers", poll(deadlines))
  })
)
