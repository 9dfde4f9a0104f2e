import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as FecDecoder from "../../../src/media/fec/FecDecoder.ts"
import * as RepairWork from "../../../src/media/fec/RepairWork.ts"
import * as FecFrame from "../../../src/protocol/FecFrame.ts"
import * as LegKinds from "../LegKinds.ts"
import * as FecPair from "./FecPair.ts"
import * as SeededNumbers from "./SeededNumbers.ts"

const { video } = FecPair
const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))
const sorted = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)

describe.each(LegKinds.all)("FecDecoder of a $name's leg", ({ Near, at, kind }) => {
  /** A pair that has begun, and a block of so many packets with repair packets for half of them. */
  const makeBlock = (size: number, first = 0) => {
    const pair = FecPair.make(kind, first)
    pair.begin()
    const numbers = Array.from({ length: size }, () => pair.send(video, false, 0))
    return { ...pair, numbers, bodies: pair.close() }
  }

  it("remembers nothing before the first repair packet", () => {
    const { decoder, deliver, send } = FecPair.make(kind)
    deliver(send(video, false, 0), 0)
    assert.isUndefined(decoder.memory)
  })

  it.prop("recovers what was lost, wherever the numbers wrap", [Near, Seed], ([near, seed]) => {
    const { bodies, deliver, deliverRepair, numbers } = makeBlock(12, at(near))
    const next = SeededNumbers.from(seed)
    const lost = numbers.filter(() => next() < 0.3).slice(0, bodies.length)
    for (const number of numbers) if (!lost.includes(number)) deliver(number, 0)
    const recovered = bodies.slice(bodies.length - lost.length).flatMap((body) => deliverRepair(body, 0)!)
    assert.deepStrictEqual(sorted(recovered), lost)
  })

  it("recovers as soon as a resend makes it possible", () => {
    const { bodies, deliver, deliverRepair, numbers } = makeBlock(10)
    for (const number of numbers.slice(3)) deliver(number, 0)
    assert.deepStrictEqual(deliverRepair(bodies[1]!, 0), [])
    assert.deepStrictEqual(deliverRepair(bodies[3]!, 0), [])
    assert.deepStrictEqual(deliver(numbers[1]!, 0), [numbers[0], numbers[2]])
  })

  it("recovers the last packets of a block, which nothing else has shown yet", () => {
    const { bodies, deliver, deliverRepair, numbers } = makeBlock(6)
    for (const number of numbers.slice(0, 4)) deliver(number, 0)
    assert.deepStrictEqual(deliverRepair(bodies[0]!, 0), [])
    assert.deepStrictEqual(deliverRepair(bodies[2]!, 0), numbers.slice(4))
  })

  it("recovers nothing twice", () => {
    const { bodies, decoder, deliver, deliverRepair, numbers } = makeBlock(6)
    for (const number of numbers.slice(2)) deliver(number, 0)
    deliverRepair(bodies[0]!, 0)
    assert.deepStrictEqual(deliverRepair(bodies[1]!, 0), numbers.slice(0, 2))
    for (const body of bodies) assert.deepStrictEqual(deliverRepair(body, 0), [])
    assert.deepStrictEqual(deliver(numbers[0]!, 0), [])
    assert.strictEqual(decoder.memory!.waiting.count, 0)
  })

  /** Hands over a repair packet without taking in what it recovers. */
  const hand = (
    { decoder, receiver }: ReturnType<typeof makeBlock>,
    body: Uint8Array,
    scratchBytes: number
  ): number => {
    receiver.memory.bytes.set(body, 0)
    const frame = FecFrame.make()
    assert.isTrue(FecFrame.read(receiver.memory.view, 0, body.length, frame, kind.isTrunk))
    return FecDecoder.handleRepair(decoder, receiver.rings, frame, receiver.scratch, scratchBytes)
  }

  it("nor if what it has recovered is not taken in", () => {
    const block = makeBlock(6)
    for (const number of block.numbers.slice(1)) block.deliver(number, 0)
    const counts = [0, 0, 1].map((row) => hand(block, block.bodies[row]!, 1 << 16))
    assert.deepStrictEqual(counts, [1, 0, 0])
  })

  it("waits while the scratch memory is too small", () => {
    const block = makeBlock(6)
    for (const number of block.numbers.slice(1)) block.deliver(number, 0)
    assert.strictEqual(hand(block, block.bodies[0]!, 10), 0)
    assert.strictEqual(block.work.undone.batchFull, 1)
    assert.deepStrictEqual(block.deliverRepair(block.bodies[1]!, 0), [block.numbers[0]])
  })

  it("waits while what all legs may spend is spent", () => {
    const block = makeBlock(6)
    for (const number of block.numbers.slice(1)) block.deliver(number, 0)
    block.work.budgetBytes = 5 * block.bodies[0]!.length
    assert.deepStrictEqual(block.deliverRepair(block.bodies[0]!, 0), [])
    assert.strictEqual(block.work.undone.overBudget, 1)
    block.work.budgetBytes = 6 * block.bodies[0]!.length
    assert.deepStrictEqual(block.deliverRepair(block.bodies[1]!, 0), [block.numbers[0]])
    assert.isBelow(block.work.budgetBytes, block.bodies[0]!.length)
  })

  it("refuses what contradicts a block that waits", () => {
    const { bodies, deliver, deliverRepair, numbers, work } = makeBlock(8)
    for (const number of numbers.slice(4)) deliver(number, 0)
    deliverRepair(bodies[0]!, 0)
    const refused = work.undone.contradictory
    const changed = (change: (body: Uint8Array) => Uint8Array) => deliverRepair(change(Uint8Array.from(bodies[1]!)), 0)
    const set = (place: number, value: number) => (body: Uint8Array) => {
      body[place] = value
      return body
    }
    // Fewer packets, more repair packets, another length, and a block that begins in the middle of it.
    assert.deepStrictEqual(changed(set(2, 7)), [])
    assert.deepStrictEqual(changed(set(3, 0xf1)), [])
    assert.deepStrictEqual(
      changed((body) => body.slice(0, -1)),
      []
    )
    assert.deepStrictEqual(changed(set(1, bodies[1]![1]! + 1)), [])
    assert.strictEqual(work.undone.contradictory - refused, 4)
    assert.deepStrictEqual(deliverRepair(bodies[1]!, 0), [])
    assert.deepStrictEqual(deliverRepair(bodies[2]!, 0), [])
    assert.deepStrictEqual(deliverRepair(bodies[3]!, 0), numbers.slice(0, 4))
  })

  it("a repair packet that is not what it claims gives nothing, and the block is done with", () => {
    for (const place of [0, 1, 2, -1]) {
      const { bodies, deliver, deliverRepair, numbers, work } = makeBlock(6)
      for (const number of numbers.slice(1)) deliver(number, 0)
      const body = Uint8Array.from(bodies[0]!)
      const head = kind.isTrunk ? 6 : 4
      const at = place < 0 ? body.length - 1 : head + place
      body[at] = body[at]! ^ 0xff
      const lengthOfLost = FecPair.contentOf(numbers[0]!).length
      const isHidden = place < 0 && head + (kind.isTrunk ? 8 : 4) + lengthOfLost === body.length
      if (isHidden) continue
      assert.deepStrictEqual(deliverRepair(body, 0), [])
      assert.strictEqual(work.undone.notPackets, 1)
      assert.deepStrictEqual(deliverRepair(bodies[1]!, 0), [])
    }
  })

  it("after a jump it knows nothing of before, and goes on", () => {
    const { decoder, deliver, deliverRepair, numbers, bodies, send, close, encoder } = makeBlock(6)
    for (const number of numbers.slice(3)) deliver(number, 0)
    deliverRepair(bodies[0]!, 0)
    encoder.ratio = 0
    for (let i = 0; i < decoder.memory!.window.states.length; i++) send(video, false, 0)
    encoder.ratio = 0.5
    const later = Array.from({ length: 5 }, () => send(video, false, 0))
    deliver(later[0]!, 0)
    assert.strictEqual(decoder.memory!.waiting.count, 0)
    for (const number of later.slice(2)) deliver(number, 0)
    assert.deepStrictEqual(
      close().flatMap((body) => deliverRepair(body, 0)!),
      [later[1]]
    )
  })

  it("keeps so many repair packets, and those of the newest blocks", () => {
    const { close, decoder, deliver, deliverRepair, send } = makeBlock(2)
    const { waiting } = decoder.memory!
    const places = waiting.freeCount
    for (let block = 0; block < 2 * waiting.blocks.length; block++) {
      const numbers = Array.from({ length: 12 }, () => send(video, false, 0))
      for (const number of numbers.slice(7)) deliver(number, 0)
      for (const body of close()) assert.deepStrictEqual(deliverRepair(body, 0), [])
      const kept = waiting.blocks.reduce((sum, { isUsed, repairCount }) => sum + (isUsed ? repairCount : 0), 0)
      assert.strictEqual(kept + waiting.freeCount, places)
    }
  })
})

describe.each(LegKinds.all)("hostile frames on a $name's leg", ({ kind }) => {
  it.prop(
    "whatever comes, it neither throws, nor grows, nor hands out anything outside its scratch",
    [Seed],
    ([seed]) => {
      const next = SeededNumbers.from(seed)
      const int = (below: number) => Math.floor(next() * below)
      const side = FecPair.makeSide()
      const decoder = FecDecoder.make(RepairWork.make(), kind)
      const { memory, rings, scratch, scratchBytes } = side
      const first = int(2) === 0 ? -50 : int(2 ** 32)
      const packets = Array.from({ length: 8 }, (_, i) => FecPair.store(side, video, FecPair.contentOf(i), 0))
      for (let i = 0; i < memory.receiveSlots * 2048; i++) memory.bytes[i] = int(4) === 0 ? int(256) : 0
      for (let step = 0; step < 400; step++) {
        const sequence = (first + step + (int(10) === 0 ? int(60_000) - 30_000 : int(8) - 4)) & kind.mask
        const room = int(4) === 0 ? int(2000) : scratchBytes
        const dataPackets = 1 + int(int(3) === 0 ? 32 : 4)
        const repairPackets = 1 + int(int(2) === 0 ? 16 : 4)
        const repairBytes = (kind.isTrunk ? 9 : 5) + int(int(2) === 0 ? 40 : 1900)
        const frame = {
          base: sequence,
          dataPackets,
          repairPackets,
          row: int(repairPackets),
          repairOffset: int(100),
          repairBytes
        }
        const count =
          int(3) === 0
            ? FecDecoder.handlePacket(
                decoder,
                rings,
                sequence,
                packets[int(8)]! + int(50) * int(2),
                video,
                int(256),
                0,
                scratch,
                room
              )
            : FecDecoder.handleRepair(decoder, rings, frame, scratch, room)
        for (let i = 0; i < count; i++) {
          const { lengths, offsets } = decoder.recovered
          assert.isAtLeast(lengths[i]!, 1)
          assert.isAtLeast(offsets[i]!, scratch)
          assert.isAtMost(offsets[i]! + lengths[i]!, scratch + room)
        }
        const waiting = decoder.memory?.waiting
        if (waiting === undefined) continue
        const used = waiting.blocks.filter(({ isUsed }) => isUsed)
        const kept = used.reduce((sum, { repairCount }) => sum + repairCount, 0)
        assert.strictEqual(waiting.count, used.length)
        assert.strictEqual(kept + waiting.freeCount, waiting.free.length)
        assert.isTrue(used.every(({ dataPackets, repairCount }) => repairCount <= Math.min(16, dataPackets)))
      }
    }
  )
})
