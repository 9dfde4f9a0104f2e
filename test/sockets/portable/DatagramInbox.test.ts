import { assert, describe, it } from "@effect/vitest"
import { makePortCounters } from "../../../src/sockets/DatagramNetwork.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"
import * as DatagramInbox from "../../../src/sockets/portable/DatagramInbox.ts"

const host = Uint32Array.of(0, 0, 0, 0xffff, 0x7f000001)

const setUp = () => {
  const memory = PacketMemory.make({ receiveSlots: 4, ownerBytes: 0 })
  const counters = makePortCounters()
  const inbox = DatagramInbox.make(memory, counters)
  const put = (number: number, nowMs: number) => inbox.put(Uint8Array.of(number), host, 5000, nowMs)
  const take = () => {
    const { arrivedAtMs, count, offsets } = inbox.take()
    return { arrivedAtMs, numbers: Array.from({ length: count }, (_, place) => memory.bytes[offsets[place]!]) }
  }
  return { counters, put, take }
}

describe("DatagramInbox", () => {
  it("a batch has the time of its first datagram", () => {
    const { put, take } = setUp()
    for (let number = 0; number < 6; number++) put(number, 10 * number)
    assert.deepStrictEqual(take(), { arrivedAtMs: 0, numbers: [0, 1, 2, 3] })
    put(6, 60)
    assert.deepStrictEqual(take(), { arrivedAtMs: 40, numbers: [4, 5, 6] })
  })

  it("drops the oldest when it is full, and its time with it", () => {
    const { counters, put, take } = setUp()
    for (let number = 0; number < 4100; number++) put(number & 0xff, number)
    assert.strictEqual(counters.droppedReceiveBufferFull, 4)
    assert.deepStrictEqual(take(), { arrivedAtMs: 4, numbers: [4, 5, 6, 7] })
  })
})
