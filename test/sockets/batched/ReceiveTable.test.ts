import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Abi from "../../../src/sockets/batched/LinuxAbi.ts"
import * as ReceiveTable from "../../../src/sockets/batched/ReceiveTable.ts"
import { makePortCounters } from "../../../src/sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"
import * as FakeKernel from "./FakeKernel.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** What the kernel hands over in one piece: datagrams of one length, of which the last may be shorter. */
const Message = Schema.Struct({
  source: between(1, 3),
  segments: between(1, 43),
  segmentBytes: Schema.Literals([0, 1, 200, 1100, PacketMemory.datagramBytesMax, PacketMemory.datagramBytesMax + 1]),
  lastIsShorter: Schema.Boolean,
  isStamped: Schema.Boolean
})

const receiveSlots = 4
const socket = 3

/** A time of the year 2027 with a fraction that doubles hold. */
const stampOf = (number: number) => 1_800_000_000_000 + number * 700 + 0.125

/** A sender's name, and a length and contents that no other datagram of the run has at its place. */
const messageOf = (message: typeof Message.Type, number: number) => {
  // Nothing and one byte have no shorter last one, and nothing is coalesced with nothing.
  const canCoalesce = message.segmentBytes > 1
  const segments = canCoalesce ? message.segments : 1
  const last = canCoalesce && message.lastIsShorter ? message.segmentBytes - 1 : message.segmentBytes
  const lengths = Array.from({ length: segments }, (_, i) => (i === segments - 1 ? last : message.segmentBytes))
  const datagrams = lengths.map((length, i) => Uint8Array.from({ length }, (_, at) => number + i * 31 + at))
  return {
    datagrams: datagrams.map((bytes) => ({ source: `127.0.0.${message.source}:5000`, bytes: [...bytes] })),
    arriving: {
      name: Uint8Array.of(Abi.AF_INET, 0, 5000 >> 8, 5000 & 0xff, 127, 0, 0, message.source, 0, 0, 0, 0, 0, 0, 0, 0),
      bytes: Buffer.concat(datagrams),
      ...(segments > 1 ? { segmentBytes: message.segmentBytes } : {}),
      ...(message.isStamped ? { stampMs: stampOf(number) } : {})
    }
  }
}

const setUp = (isCoalescing: boolean) => {
  const kernel = FakeKernel.make()
  kernel.calls.setOption(socket, Abi.SOL_SOCKET, Abi.SO_TIMESTAMPNS, 1)
  const slotBytes = isCoalescing ? PacketMemory.coalescedSlotBytes : PacketMemory.slotBytes
  const memory = PacketMemory.make({ receiveSlots, receiveBytes: receiveSlots * slotBytes, ownerBytes: 0 })
  const table = ReceiveTable.make(kernel.calls, memory, isCoalescing)
  const counters = makePortCounters()
  /** All that there is, in batches. */
  const receiveAll = () => {
    const received: Array<{ readonly source: string; readonly bytes: ReadonlyArray<number> }> = []
    const { batch } = table
    while (ReceiveTable.hasMore(table) || ReceiveTable.receive(table, kernel.calls, socket, false) > 0) {
      ReceiveTable.take(table, counters)
      for (let place = 0; place < batch.count; place++) {
        const offset = batch.offsets[place]!
        received.push({
          source: PackedAddress.format(batch.addresses, place),
          bytes: [...memory.bytes.subarray(offset, offset + batch.lengths[place]!)]
        })
      }
    }
    return received
  }
  return { kernel, memory, table, counters, receiveAll }
}

describe("ReceiveTable", () => {
  it.prop(
    "every datagram is handed out once, whole, in its order, however the kernel has put them together",
    [Schema.Array(Message), Schema.Boolean, Schema.Boolean],
    ([messages, isCoalescing, stampsAreLast]) => {
      const { counters, kernel, receiveAll } = setUp(isCoalescing)
      kernel.setStampsLast(stampsAreLast)
      const arrived = messages
        .map((message) => (isCoalescing ? message : { ...message, segments: 1 }))
        .map((message, number) => messageOf(message, number * 7))
      kernel.arrive(...arrived.map(({ arriving }) => arriving))
      const all = arrived.flatMap(({ datagrams }) => datagrams)
      const kept = all.filter(({ bytes }) => bytes.length <= PacketMemory.datagramBytesMax)
      assert.deepStrictEqual(receiveAll(), kept)
      assert.strictEqual(counters.received, kept.length)
      assert.strictEqual(counters.droppedOversized, all.length - kept.length)
      assert.strictEqual(
        counters.receivedBytes,
        kept.reduce((sum, { bytes }) => sum + bytes.length, 0)
      )
    },
    { arbitrary: { size: 40 } }
  )

  it.prop(
    "every batch has the time of its first message",
    [Schema.Array(Message), Schema.Boolean],
    ([messages, stampsAreLast]) => {
      const { counters, kernel, table } = setUp(true)
      kernel.setStampsLast(stampsAreLast)
      kernel.arrive(...messages.map((message, number) => messageOf(message, number).arriving))
      let message = 0
      while (ReceiveTable.receive(table, kernel.calls, socket, false) > 0) {
        const first = message
        message += table.received
        while (ReceiveTable.hasMore(table)) {
          const number = first + table.next
          assert.deepStrictEqual(ReceiveTable.stampMs(table), messages[number]!.isStamped ? stampOf(number) : NaN)
          ReceiveTable.take(table, counters)
        }
        assert.isNaN(ReceiveTable.stampMs(table))
      }
      assert.strictEqual(message, messages.length)
    },
    { arbitrary: { size: 40 } }
  )

  it("takes what was coalesced only into a memory that has the room", () => {
    assert.isTrue(ReceiveTable.hasRoomToCoalesce(setUp(true).memory))
    assert.isFalse(ReceiveTable.hasRoomToCoalesce(setUp(false).memory))
  })
})
