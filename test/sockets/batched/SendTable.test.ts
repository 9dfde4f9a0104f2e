import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Abi from "../../../src/sockets/batched/LinuxAbi.ts"
import * as SendGroups from "../../../src/sockets/batched/SendGroups.ts"
import * as SendTable from "../../../src/sockets/batched/SendTable.ts"
import * as SocketName from "../../../src/sockets/batched/SocketName.ts"
import { makePortCounters } from "../../../src/sockets/DatagramNetwork.ts"
import * as PacketBatch from "../../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"
import * as FakeKernel from "./FakeKernel.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Few receivers and few lengths, so that packets meet that can be one message. */
const Packet = Schema.Struct({
  receiver: between(0, 5),
  headerBytes: Schema.Literals([0, 12, 16]),
  dropPrecedence: Schema.Literals([0, 0, 0, 1]),
  bodyBytes: Schema.Literals([0, 1, 188, 188, 188, 1100, 1100, 1484])
})
const Fault = Schema.Union([
  Schema.Struct({ take: between(1, 5) }),
  Schema.Struct({ error: Schema.Literals([Abi.EINTR, Abi.EAGAIN, Abi.ENOBUFS]) })
])

const capacity = 256
const addressOf = (receiver: number): Uint32Array =>
  receiver < 3
    ? Uint32Array.of(5000 + receiver, 0, 0, 0xffff, 0x7f000001)
    : Uint32Array.of(5000, 0x20010db8, 0, receiver, 0x80000001)

const setUp = (segmentation: boolean) => {
  const kernel = FakeKernel.make()
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: capacity * 1500 })
  const batch = PacketBatch.makeSendBatch({
    capacity,
    scratchOffset: memory.ownerOffset,
    scratchBytes: capacity * 1500
  })
  const table = SendTable.make(kernel.calls, memory, { family: Abi.AF_INET6, segmentation })
  const groups = SendGroups.make(capacity)
  const counters = makePortCounters()
  /** Sends all of the batch, however often the kernel wants to be asked. */
  const sendAll = () => {
    SendGroups.gather(groups, batch, table.segmentation)
    for (let next = 0; next < groups.count;) next = SendTable.send(table, 3, groups, batch, next, counters)
    PacketBatch.reset(batch)
  }
  return { kernel, memory, batch, table, counters, sendAll }
}

type SetUp = ReturnType<typeof setUp>

type PacketShape = Omit<typeof Packet.Type, "dropPrecedence"> & Partial<typeof Packet.Type>

const fill = ({ batch, memory }: SetUp, packets: ReadonlyArray<PacketShape>) =>
  packets.map(({ bodyBytes, dropPrecedence = 0, headerBytes, receiver }, number) => {
    const header = Uint8Array.from({ length: headerBytes }, (_, i) => number + i)
    const body = Uint8Array.from({ length: bodyBytes }, (_, i) => number * 7 + i)
    assert.isTrue(PacketBatch.addBytes(batch, memory, body, addressOf(receiver), 0))
    batch.headers.set(header, number * PacketBatch.headerBytesMax)
    batch.headerLengths[number] = headerBytes
    batch.dropPrecedence[number] = dropPrecedence
    return { receiver, bytes: Uint8Array.from([...header, ...body]) }
  })

/** To each receiver, in the order in which they left. */
const sentTo = ({ kernel }: SetUp, receiver: number) => {
  const words = new Uint32Array(8)
  const length = SocketName.write(words, 0, Abi.AF_INET6, addressOf(receiver), 0)
  const name = new Uint8Array(words.buffer, 0, length)
  return kernel.sent.filter((sent) => Buffer.compare(sent.name, name) === 0).map(({ bytes }) => bytes)
}

const Packets = Schema.Array(Packet).check(Schema.isMaxLength(capacity))

describe("SendTable", () => {
  it.prop(
    "every packet leaves once, whole, in its receiver's order, whatever the kernel takes at a time",
    [Packets, Schema.Array(Fault), Schema.Literals(["yes", "no", "device cannot"])],
    ([packets, faults, segmentation]) => {
      const it = setUp(segmentation !== "no")
      it.kernel.setSegmentation(segmentation)
      it.kernel.sendFaults.push(...faults)
      const expected = fill(it, packets)
      it.sendAll()
      for (let receiver = 0; receiver <= 5; receiver++) {
        const wanted = expected.filter((packet) => packet.receiver === receiver).map(({ bytes }) => bytes)
        assert.deepStrictEqual(sentTo(it, receiver), wanted)
      }
      assert.strictEqual(it.kernel.sent.length, packets.length)
      assert.strictEqual(it.counters.sent, packets.length)
      assert.strictEqual(
        it.counters.sentBytes,
        expected.reduce((sum, { bytes }) => sum + bytes.length, 0)
      )
      assert.strictEqual(it.counters.droppedSendFailed, 0)
    },
    { arbitrary: { size: 200 } }
  )

  it("a video frame's packets to one receiver are one message, the shorter last one too", () => {
    const it = setUp(true)
    fill(it, [
      ...Array.from({ length: 7 }, () => ({ receiver: 1, headerBytes: 12, bodyBytes: 1100 }) as const),
      { receiver: 1, headerBytes: 12, bodyBytes: 188 }
    ])
    it.sendAll()
    assert.strictEqual(it.kernel.messagesSent(), 1)
    assert.strictEqual(it.kernel.sent.length, 8)
  })

  it("without segmentation each packet is a message", () => {
    const it = setUp(false)
    fill(
      it,
      Array.from({ length: 7 }, () => ({ receiver: 1, headerBytes: 12, bodyBytes: 1100 }) as const)
    )
    it.sendAll()
    assert.strictEqual(it.kernel.messagesSent(), 7)
  })

  it("asks no more for segments of a device that cannot cut", () => {
    const it = setUp(true)
    it.kernel.setSegmentation("device cannot")
    fill(
      it,
      Array.from({ length: 7 }, () => ({ receiver: 1, headerBytes: 12, bodyBytes: 1100 }) as const)
    )
    it.sendAll()
    assert.isFalse(it.table.segmentation)
    assert.strictEqual(it.kernel.sent.length, 7)
  })

  it("what the system refuses is counted, and costs the others nothing", () => {
    const it = setUp(true)
    fill(
      it,
      [0, 1, 2, 3].map((receiver) => ({ receiver, headerBytes: 12, bodyBytes: 188 }) as const)
    )
    it.kernel.sendFaults.push({ take: 1 }, { error: Abi.EPERM }, { take: 1 }, { error: Abi.EINVAL })
    it.sendAll()
    assert.strictEqual(it.counters.droppedSendFailed, 2)
    assert.strictEqual(it.counters.sent, 2)
    assert.deepStrictEqual(
      [0, 1, 2, 3].map((receiver) => sentTo(it, receiver).length),
      [1, 0, 1, 0]
    )
  })

  it("a receiver of the other family is counted, and costs the others nothing", () => {
    const it = setUp(true)
    const table = SendTable.make(it.kernel.calls, it.memory, { family: Abi.AF_INET, segmentation: true })
    fill(
      it,
      [1, 4, 2].map((receiver) => ({ receiver, headerBytes: 0, bodyBytes: 188 }) as const)
    )
    const groups = SendGroups.make(capacity)
    SendGroups.gather(groups, it.batch, true)
    assert.strictEqual(SendTable.send(table, 3, groups, it.batch, 0, it.counters), 3)
    assert.strictEqual(it.counters.droppedSendFailed, 1)
    assert.strictEqual(it.counters.sent, 2)
  })
})
