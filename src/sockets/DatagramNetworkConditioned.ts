import { Effect, Layer, Random, Semaphore } from "effect"
import { DatagramNetwork, type DatagramPort, type OpenOptions } from "./DatagramNetwork.ts"
import * as DueQueue from "./DueQueue.ts"
import * as DueTimer from "./DueTimer.ts"
import type { Impairment } from "./Impairment.ts"
import * as PackedAddress from "./PackedAddress.ts"
import {
  add,
  addressWords,
  join,
  makeSendBatch,
  type PacketBatch,
  packetBytes,
  reset,
  type SendBatch
} from "./PacketBatch.ts"
import * as PacketMemory from "./PacketMemory.ts"
import * as LinkEmulator from "./simulated/LinkEmulator.ts"

/** Packets of one port that wait to be sent; one that finds no room is dropped. */
const waitingMax = 4096

/** Packets sent at once when they are due. */
const batchPackets = 64

/**
 * Packets that wait, in slots behind the receive slots of a memory of their own: what the owner of the port gave to be
 * sent may change as soon as `send` has returned.
 */
const makeWaitingRoom = (memory: PacketMemory.PacketMemory) => {
  const queue = DueQueue.make<number>()
  const free = Array.from({ length: waitingMax }, (_, slot) => waitingMax - 1 - slot)
  const lengths = new Int32Array(waitingMax)
  const addresses = new Uint32Array(waitingMax * addressWords)
  const offsetOf = (slot: number) => memory.ownerOffset + slot * PacketMemory.slotBytes

  return {
    queue,
    /** Copies a packet into a slot; false when there is none for it. */
    enter: (dueMs: number, from: PacketMemory.PacketMemory, batch: SendBatch, place: number): boolean => {
      if (packetBytes(batch, place) > PacketMemory.slotBytes) return false
      const slot = free.pop()
      if (slot === undefined) return false
      lengths[slot] = join(batch, place, from, memory.bytes, offsetOf(slot)) - offsetOf(slot)
      PackedAddress.copy(batch.addresses, place, addresses, slot)
      DueQueue.add(queue, dueMs, slot)
      return true
    },
    /** Moves due packets to the batch, as many as it holds. Their slots are free when `slots` are given back. */
    leave: (nowMs: number, batch: SendBatch, slots: Array<number>): void => {
      while (batch.count < batch.capacity) {
        const slot = DueQueue.take(queue, nowMs)
        if (slot === undefined) return
        const place = add(batch)
        batch.headerLengths[place] = 0
        batch.bodyOffsets[place] = offsetOf(slot)
        batch.bodyLengths[place] = lengths[slot]!
        PackedAddress.copy(addresses, slot, batch.addresses, place)
        slots.push(slot)
      }
    },
    giveBack: (slots: Array<number>): void => {
      free.push(...slots)
      slots.length = 0
    }
  }
}

const open = Effect.fnUntraced(function* (
  network: DatagramNetwork["Service"],
  link: LinkEmulator.LinkEmulator,
  draw: () => number,
  options: OpenOptions
) {
  const memory = PacketMemory.make({
    receiveSlots: options.memory.receiveSlots,
    receiveBytes: options.memory.ownerOffset,
    ownerBytes: waitingMax * PacketMemory.slotBytes
  })
  const port = yield* network.open({ ...options, memory })
  const { counters } = port
  const room = makeWaitingRoom(memory)

  const outgoing = makeSendBatch({ capacity: batchPackets, scratchOffset: 0, scratchBytes: 0 })
  const sentSlots: Array<number> = []
  const sending = yield* Semaphore.make(1)
  const sendDue = (nowMs: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      room.leave(nowMs, outgoing, sentSlots)
      if (outgoing.count === 0) return Effect.void
      const sent = Effect.tap(port.send(outgoing), () => Effect.sync(() => room.giveBack(sentSlots)))
      return Effect.andThen(sent, sendDue(nowMs))
    })
  const timer = yield* DueTimer.make(room.queue, (nowMs) => sending.withPermit(sendDue(nowMs)))

  const send = (batch: SendBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      const nowMs = timer.nowMs()
      for (let place = 0; place < batch.count; place++) {
        const copies = LinkEmulator.transmit(link, nowMs, packetBytes(batch, place), draw)
        if (copies === 0) counters.droppedByImpairment++
        for (let copy = 0; copy < copies; copy++) {
          const entered = room.enter(link.arrivalsMs[copy]!, options.memory, batch, place)
          if (!entered) counters.droppedByImpairment++
        }
      }
      reset(batch)
      return timer.added
    })

  // The receive slots of both memories lie at the same offsets.
  const toOwner = (batch: PacketBatch): PacketBatch => {
    for (let place = 0; place < batch.count; place++) {
      const offset = batch.offsets[place]!
      options.memory.bytes.set(memory.bytes.subarray(offset, offset + batch.lengths[place]!), offset)
    }
    return batch
  }

  const conditioned: DatagramPort = {
    address: port.address,
    pull: Effect.map(port.pull, toOwner),
    send,
    counters,
    description: `${port.description}, impaired`,
    shortcomings: port.shortcomings
  }
  return conditioned
})

/**
 * Any network, made worse: what this process sends passes one bad link before it goes out. What still waits when a port
 * is closed is never sent. Its dice are its own, so the same seed gives the same losses to the same packets.
 */
export const layer = (impairment: Impairment): Layer.Layer<DatagramNetwork, never, DatagramNetwork> =>
  Layer.effect(
    DatagramNetwork,
    Effect.gen(function* () {
      const network = yield* DatagramNetwork
      const random = yield* Random.Random
      const link = LinkEmulator.make(impairment)
      return DatagramNetwork.of({
        open: (options) => open(network, link, () => random.nextDoubleUnsafe(), options)
      })
    }).pipe(Random.withSeed(impairment.seed))
  )
