import { assert } from "@effect/vitest"
import * as FecDecoder from "../../../src/media/fec/FecDecoder.ts"
import * as FecEncoder from "../../../src/media/fec/FecEncoder.ts"
import * as RepairWork from "../../../src/media/fec/RepairWork.ts"
import type * as LegKind from "../../../src/media/LegKind.ts"
import * as PacketRing from "../../../src/media/PacketRing.ts"
import * as PacketRings from "../../../src/media/PacketRings.ts"
import * as StreamClock from "../../../src/media/StreamClock.ts"
import * as FecFrame from "../../../src/protocol/FecFrame.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"

export const video = HopFrame.typeByte(HopFrame.FrameType.Video, 0)
export const audio = HopFrame.typeByte(HopFrame.FrameType.Audio, 0)
export const endOfFrame = HopFrame.endOfFrameFlag

const scratchBytes = 64 * 1024

/** Packet memory of one side, with a place for what is built. */
export const makeSide = (ringBytes = 1 << 20) => {
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: scratchBytes + 2 * ringBytes })
  const scratch = memory.ownerOffset
  return {
    memory,
    scratch,
    scratchBytes,
    rings: PacketRings.make(memory, scratch + scratchBytes, { audioBytes: ringBytes, videoBytes: ringBytes }),
    clock: StreamClock.make("video", 90_000)
  }
}
export type Side = ReturnType<typeof makeSide>

export const store = ({ clock, rings }: Side, type: number, bytes: Uint8Array, nowMs: number): number =>
  PacketRing.storeBytes(PacketRings.ringOf(rings, (type >> 2) & 0x0f), bytes, 0, clock, nowMs)

/** A packet that tells its number, of a length of its own. */
export const contentOf = (number: number, lengthMax = 1200): Uint8Array => {
  const bytes = new Uint8Array(12 + ((Math.imul(number, 7919) >>> 0) % (lengthMax - 11)))
  for (let i = 0; i < bytes.length; i++) bytes[i] = (number >>> (8 * (i & 3))) ^ (i >> 2)
  return bytes
}

export const descriptorOf = (number: number, isEnd: boolean): number => (number & 0x07) | (isEnd ? endOfFrame : 0)
export const tagOf = (number: number, kind: LegKind.LegKind): number =>
  kind.isTrunk ? Math.imul(number, 0x9e3779b1) | 0 : 0

/** What one side sends of a leg and the other receives. Numbers begin at `first`. */
export const make = (kind: LegKind.LegKind, first = 0, lengthMax = 1200) => {
  const sender = makeSide()
  const receiver = makeSide()
  const work = { ...RepairWork.make(), budgetBytes: Infinity }
  const encoder = FecEncoder.make(sender.rings, work, kind)
  const decoder = FecDecoder.make(work, kind)
  const frame = FecFrame.make()
  const types = new Map<number, { readonly type: number; readonly descriptor: number; readonly index: number }>()
  let index = 0
  const sequenceOf = (number: number): number => (first + number) & kind.mask

  /** Takes in what has been recovered, after checking it, as the leg would. Returns the numbers. */
  const takeIn = (count: number, nowMs: number): Array<number> => {
    const { recovered } = decoder
    const all = Array.from({ length: count }, (_, i) => ({
      sequence: recovered.sequences[i]!,
      type: recovered.types[i]!,
      descriptor: recovered.descriptors[i]!,
      tag: recovered.tags[i]!,
      bytes: receiver.memory.bytes.slice(recovered.offsets[i]!, recovered.offsets[i]! + recovered.lengths[i]!)
    }))
    for (const { bytes, descriptor, sequence, tag, type } of all) {
      const sent = types.get(sequence)!
      assert.deepStrictEqual(bytes, contentOf(sent.index, lengthMax))
      assert.deepStrictEqual({ type, descriptor }, { type: sent.type, descriptor: sent.descriptor })
      assert.strictEqual(tag, tagOf(sent.index, kind))
    }
    const numbers = all.map(({ sequence }) => types.get(sequence)!.index)
    for (const number of numbers) numbers.push(...deliver(number, nowMs))
    return numbers
  }

  const send = (type: number, isEnd: boolean, nowMs: number): number => {
    const number = index++
    const descriptor = descriptorOf(number, isEnd)
    types.set(sequenceOf(number), { type, descriptor, index: number })
    const packet = store(sender, type, contentOf(number, lengthMax), nowMs)
    const tag = tagOf(number, kind)
    FecEncoder.handlePacket(encoder, sequenceOf(number), packet, type, descriptor, tag, nowMs)
    return number
  }

  /** The bodies of the frames that protect the block. */
  const close = (): ReadonlyArray<Uint8Array> => {
    const count = FecEncoder.close(encoder, sender.scratch, sender.scratchBytes)
    const { bodyBytes } = encoder
    return Array.from({ length: count }, (_, i) =>
      sender.memory.bytes.slice(sender.scratch + i * bodyBytes, sender.scratch + (i + 1) * bodyBytes)
    )
  }

  const deliver = (number: number, nowMs: number): Array<number> => {
    const sequence = sequenceOf(number)
    const { descriptor, type } = types.get(sequence)!
    const packet = store(receiver, type, contentOf(number, lengthMax), nowMs)
    const { rings, scratch, scratchBytes } = receiver
    const tag = tagOf(number, kind)
    return takeIn(
      FecDecoder.handlePacket(decoder, rings, sequence, packet, type, descriptor, tag, scratch, scratchBytes),
      nowMs
    )
  }

  /** Undefined when the body is malformed. */
  const deliverRepair = (body: Uint8Array, nowMs: number): Array<number> | undefined => {
    const { memory, rings, scratch, scratchBytes } = receiver
    memory.bytes.set(body, 0)
    if (!FecFrame.read(memory.view, 0, body.length, frame, kind.isTrunk)) return undefined
    return takeIn(FecDecoder.handleRepair(decoder, rings, frame, scratch, scratchBytes), nowMs)
  }

  /** The decoder begins to remember with the first repair frame: one of a block that has come whole. */
  const begin = (): void => {
    encoder.ratio = 0.5
    deliver(send(video, true, 0), 0)
    deliver(send(video, true, 0), 0)
    for (const body of close()) deliverRepair(body, 0)
  }

  return { encoder, decoder, work, sender, receiver, sequenceOf, send, close, deliver, deliverRepair, begin }
}
