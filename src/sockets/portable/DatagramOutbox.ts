import { Effect } from "effect"
import type * as Dgram from "node:dgram"
import type { PortCounters } from "../DatagramNetwork.ts"
import { addressWords, join, packetBytes, type SendBatch } from "../PacketBatch.ts"
import type { PacketMemory } from "../PacketMemory.ts"
import * as Hosts from "./Hosts.ts"

/** Datagrams that Node holds because the kernel's send buffer is full; beyond, the sender waits. */
const outboxPackets = 1024

/** Sends packets in one piece each, since Node wants contiguous bytes. */
export const make = (socket: Dgram.Socket, memory: PacketMemory, counters: PortCounters, isIpv6: boolean) => {
  const textOf = Hosts.makeHostTexts(isIpv6)
  let joined = new Uint8Array(0)
  let held = 0
  const whenEmpty = new Set<() => void>()

  const done = (error: Error | null, bytes: number): void => {
    if (error === null) {
      counters.sent++
      counters.sentBytes += bytes
    } else counters.droppedSendFailed++
    if (--held > 0 || whenEmpty.size === 0) return
    const waiting = [...whenEmpty]
    whenEmpty.clear()
    for (const resume of waiting) resume()
  }

  return {
    /** Returns at once; what the kernel does not take yet, Node holds. */
    send: (batch: SendBatch): void => {
      let bytes = 0
      for (let place = 0; place < batch.count; place++) bytes += packetBytes(batch, place)
      // What Node holds must stay as it is.
      if (held > 0 || joined.length < bytes) joined = new Uint8Array(Math.max(joined.length, bytes * 2))
      for (let place = 0, start = 0; place < batch.count; place++) {
        const end = join(batch, place, memory, joined, start)
        const port = batch.addresses[place * addressWords]!
        // Nobody has this port, and Node would throw.
        if (port === 0) counters.droppedSendFailed++
        else {
          held++
          socket.send(joined, start, end - start, port, textOf(batch.addresses, place), done)
        }
        start = end
      }
    },
    isFull: () => held >= outboxPackets,
    untilEmpty: Effect.callback<void>((resume) => {
      if (held === 0) return resume(Effect.void)
      const wake = () => resume(Effect.void)
      whenEmpty.add(wake)
      return Effect.sync(() => void whenEmpty.delete(wake))
    })
  }
}
