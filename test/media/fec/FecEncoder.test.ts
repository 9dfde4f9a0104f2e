import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as FecEncoder from "../../../src/media/fec/FecEncoder.ts"
import * as FecFrame from "../../../src/protocol/FecFrame.ts"
import * as LegKinds from "../LegKinds.ts"
import * as FecPair from "./FecPair.ts"

const { audio, video } = FecPair
const Ratio = Schema.Number.check(Schema.isBetween({ minimum: 0.02, maximum: 0.5 }))
const Sizes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))).check(
  Schema.isMinLength(60),
  Schema.isMaxLength(80)
)

const read = (body: Uint8Array, isWide: boolean): FecFrame.FecFrame => {
  const into = FecFrame.make()
  assert.isTrue(FecFrame.read(new DataView(body.buffer, body.byteOffset), 0, body.length, into, isWide))
  return into
}

describe.each(LegKinds.all)("FecEncoder of a $name's leg", ({ kind }) => {
  it("gathers nothing while the ratio is 0", () => {
    const { encoder, send } = FecPair.make(kind)
    for (let i = 0; i < 40; i++) send(video, true, i)
    assert.deepStrictEqual([encoder.count, encoder.deadlineMs], [0, Infinity])
  })

  it("closes at the end of a video frame, if the block is old enough and has earned a repair packet", () => {
    const { encoder, send } = FecPair.make(kind)
    encoder.ratio = 0.25
    send(video, false, 0)
    send(video, true, 1)
    assert.strictEqual(encoder.deadlineMs, FecEncoder.blockMsDefault)
    send(video, false, 20)
    assert.strictEqual(encoder.deadlineMs, FecEncoder.blockMsDefault)
    send(video, true, 21)
    assert.strictEqual(encoder.deadlineMs, 21)
  })

  it("closes 50 ms after the first packet, and when it is full", () => {
    const { close, encoder, send } = FecPair.make(kind)
    encoder.ratio = 0.2
    send(audio, false, 100)
    send(audio, false, 120)
    assert.strictEqual(encoder.deadlineMs, 150)
    close()
    assert.strictEqual(encoder.deadlineMs, Infinity)
    for (let i = 0; i < FecFrame.dataPacketsMax; i++) send(video, false, 200)
    assert.strictEqual(encoder.deadlineMs, 200)
    assert.strictEqual(close().length, 6)
  })

  it("protects audio, and makes no repair packets for it", () => {
    const { close, encoder, send } = FecPair.make(kind)
    encoder.ratio = 0.5
    for (let i = 0; i < 8; i++) send(i % 2 === 0 ? audio : video, false, 0)
    const bodies = close()
    assert.strictEqual(bodies.length, 2)
    assert.strictEqual(read(bodies[0]!, kind.isTrunk).dataPackets, 8)
  })

  it("says which packets it protects, wherever the numbers wrap", () => {
    for (const boundary of [0, 0x8000, 0x10000, 0x8000_0000]) {
      const { close, encoder, send } = FecPair.make(kind, boundary - 2)
      encoder.ratio = 0.5
      for (let i = 0; i < 5; i++) send(video, i === 4, 10 * i)
      const bodies = close()
      assert.strictEqual(bodies.length, 3)
      bodies.forEach((body, row) => {
        const { base, dataPackets, repairPackets, row: said } = read(body, kind.isTrunk)
        const expected = [(boundary - 2) & kind.mask, 5, 3, row]
        assert.deepStrictEqual([base, dataPackets, repairPackets, said], expected)
      })
    }
  })

  it.prop("blocks of any size get the ratio in the long run", [Ratio, Sizes], ([ratio, sizes]) => {
    const { close, encoder, send } = FecPair.make(kind, 0, 40)
    encoder.ratio = ratio
    let packets = 0
    let repairs = 0
    for (const size of sizes) {
      for (let i = 0; i < Math.min(size, FecFrame.dataPacketsMax); i++, packets++) send(video, false, 0)
      repairs += close().length
    }
    assert.isAtMost(Math.abs(repairs - ratio * packets), 1)
  })

  it("parity alone: one repair packet a block, and blocks of the length that the ratio wants", () => {
    const { close, encoder, send } = FecPair.make(kind)
    encoder.ratio = 0.2
    encoder.isParityOnly = true
    for (let block = 0; block < 5; block++) {
      for (let i = 0; i < 5; i++) {
        assert.strictEqual(encoder.deadlineMs, i === 0 ? Infinity : 50)
        send(video, false, 0)
      }
      assert.strictEqual(encoder.deadlineMs, 0)
      assert.strictEqual(close().length, 1)
    }
  })

  it("parity alone: each block has its repair packet, whatever audio is among them", () => {
    const { close, encoder, send } = FecPair.make(kind)
    encoder.ratio = 0.1
    encoder.isParityOnly = true
    for (let block = 0; block < 6; block++) {
      for (let i = 0; i < 20; i++) {
        assert.notStrictEqual(encoder.deadlineMs, 0)
        send(i % 2 === 0 ? audio : video, false, 0)
      }
      assert.strictEqual(encoder.deadlineMs, 0)
      assert.strictEqual(close().length, 1)
    }
  })

  it("the mean block is one with video, however long there is none", () => {
    const { close, encoder, send } = FecPair.make(kind)
    encoder.ratio = 0.2
    for (let block = 0; block < 40; block++) {
      for (let i = 0; i < 10; i++) send(video, false, 0)
      close()
    }
    const before = encoder.blockPackets
    assert.closeTo(before, 10, 0.1)
    for (let block = 0; block < 40; block++) {
      for (let i = 0; i < 4; i++) send(audio, false, 0)
      assert.deepStrictEqual(close(), [])
    }
    assert.strictEqual(encoder.blockPackets, before)
  })

  it("protects no packet whose repair packet would not fit into an Ethernet frame", () => {
    const { close, encoder, sender } = FecPair.make(kind)
    encoder.ratio = 0.5
    const add = (sequence: number, length: number) => {
      const packet = FecPair.store(sender, video, new Uint8Array(length), 0)
      FecEncoder.handlePacket(encoder, sequence, packet, video, 0, 0, 0)
    }
    const lengthMax = FecEncoder.packetBytesMax(kind)
    add(0, 500)
    add(1, lengthMax)
    assert.strictEqual(encoder.deadlineMs, FecEncoder.blockMsDefault)
    add(2, lengthMax + 1)
    assert.strictEqual(encoder.deadlineMs, 0)
    const [body] = close()
    assert.strictEqual(kind.headerBytes + body!.length, 1472)
    assert.strictEqual(read(body!, kind.isTrunk).dataPackets, 2)
  })

  it("gives up a block that has a hole, that was not closed, or whose packets are gone", () => {
    const { close, encoder, sender } = FecPair.make(kind)
    encoder.ratio = 0.5
    const add = (sequence: number) => {
      const packet = FecPair.store(sender, video, new Uint8Array(1000), 0)
      FecEncoder.handlePacket(encoder, sequence, packet, video, 0, 0, 0)
    }
    add(0)
    add(2)
    assert.deepStrictEqual([encoder.base, encoder.count], [2, 1])
    for (let sequence = 3; sequence <= 2 + FecFrame.dataPacketsMax; sequence++) add(sequence)
    assert.deepStrictEqual([encoder.base, encoder.count], [2 + FecFrame.dataPacketsMax, 1])
    for (let i = 0; i < 2000; i++) FecPair.store(sender, video, new Uint8Array(1000), 10_000)
    assert.deepStrictEqual(close(), [])
    assert.strictEqual(encoder.count, 0)
  })

  it("makes no more than all legs may spend, and counts what it has not made", () => {
    const { close, encoder, send, work } = FecPair.make(kind)
    encoder.ratio = 0.5
    for (let i = 0; i < 10; i++) send(video, false, 0)
    assert.strictEqual(close().length, 5)
    // Each costs as many bytes as the block has, each packet as long as the longest.
    work.budgetBytes = 3.5 * 10 * encoder.bodyBytes
    for (let i = 0; i < 10; i++) send(video, false, 0)
    const bodies = close()
    assert.isTrue(bodies.length >= 1 && bodies.length < 5)
    assert.strictEqual(work.undone.overBudget, 5 - bodies.length)
    assert.strictEqual(read(bodies[0]!, kind.isTrunk).repairPackets, bodies.length)
    assert.isAtLeast(work.budgetBytes, 0)
  })

  it("writes no more than there is room for", () => {
    const { encoder, send, sender } = FecPair.make(kind)
    encoder.ratio = 0.5
    for (let i = 0; i < 10; i++) send(video, false, 0)
    assert.strictEqual(FecEncoder.close(encoder, sender.scratch, 2500), 2)
    assert.strictEqual(
      read(sender.memory.bytes.slice(sender.scratch, sender.scratch + encoder.bodyBytes), kind.isTrunk).repairPackets,
      2
    )
    for (let i = 0; i < 10; i++) send(video, false, 0)
    assert.strictEqual(FecEncoder.close(encoder, sender.scratch, 100), 0)
  })
})
