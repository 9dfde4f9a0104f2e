import * as PacketRing from "../../../src/media/PacketRing.ts"
import * as StreamClock from "../../../src/media/StreamClock.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"

/** So many packets of a length come at once, then time passes. */
interface Burst {
  readonly packets: number
  readonly lengthBytes: number
  readonly thenMs: number
}

interface Case {
  readonly capacityBytes: number
  /** Packets are named by 32 bits: a relay that has run for long is near their end. */
  readonly firstPacket: number
  readonly bursts: ReadonlyArray<Burst>
}

/** A pull takes 64 datagrams, of which one asks; a frame without its hop header is shorter than a datagram. */
const batchPackets = 63
const packetBytesMax = PacketMemory.datagramBytesMax - 12
const lapBytesInitial = 1 << 20
const guardBytes = 64
const clock = StreamClock.make("video", 90_000)

/** A packet as it was stored: every byte tells which it is. */
interface Stored {
  readonly packet: number
  readonly lengthBytes: number
  readonly atMs: number
  /** Bytes that have been stored since. */
  behindBytes: number
}

const fillOf = (packet: number): number => (packet * 31 + 7) & 0xff
/** By its fill: the longest packet there is. */
const filled = Dice.many(256, (fill) => Buffer.alloc(packetBytesMax, fill))

const isWholeAt = (ring: PacketRing.PacketRing, { lengthBytes, packet }: Stored, offset: number): boolean => {
  const bytes = ring.memory.bytes.subarray(offset, offset + lengthBytes)
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const expected = filled[fillOf(packet)]!.subarray(4, lengthBytes)
  return head.getInt32(0) === packet && Buffer.compare(bytes.subarray(4), expected) === 0
}

const check = ({ bursts, capacityBytes, firstPacket }: Case): void => {
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: capacityBytes + 2 * guardBytes })
  const firstOffset = memory.ownerOffset + guardBytes
  memory.bytes.fill(0xa5, memory.ownerOffset)
  const ring = PacketRing.make(memory, firstOffset, capacityBytes)
  ring.next = firstPacket | 0
  ring.oldest = firstPacket | 0
  let nowMs = 0
  let stored: Array<Stored> = []

  const store = (lengthBytes: number) => {
    const packet = ring.next
    const bytes = Uint8Array.from(filled[fillOf(packet)]!.subarray(0, lengthBytes))
    new DataView(bytes.buffer).setInt32(0, packet)
    hold(
      PacketRing.storeBytes(ring, bytes, packet >>> 0, clock, nowMs) === packet,
      "packets are numbered in their order"
    )
    for (const other of stored) other.behindBytes += lengthBytes
    stored.push({ packet, lengthBytes, atMs: nowMs, behindBytes: 0 })
  }

  const checkAll = () => {
    for (const one of stored) {
      if (!PacketRing.has(ring, one.packet)) continue
      hold(PacketRing.lengthOf(ring, one.packet) === one.lengthBytes, "a packet keeps its length", () => show(one))
      hold(PacketRing.timestampOf(ring, one.packet) === one.packet >>> 0, "a packet keeps its timestamp", () =>
        show(one)
      )
      hold(PacketRing.clockOf(ring, one.packet) === clock, "a packet keeps its clock", () => show(one))
      hold(
        isWholeAt(ring, one, PacketRing.offsetOf(ring, one.packet)),
        "a packet that is there is as it was stored",
        () => show(one)
      )
    }
    // A lap ends before a packet that does not fit, and one packet may lie across what is claimed.
    const keptBytes = Math.min(lapBytesInitial, capacityBytes) - 3 * packetBytesMax
    const lost = stored.find(
      ({ atMs, behindBytes, lengthBytes, packet }) =>
        nowMs - atMs <= PacketRing.retentionMs &&
        behindBytes + lengthBytes <= keptBytes &&
        ((ring.next - packet) | 0) <= ring.offsets.length &&
        !PacketRing.has(ring, packet)
    )
    hold(lost === undefined, "a young packet is there while there is room", () => show([lost, ring.lapEnd]))
    stored = stored.filter(({ packet }) => PacketRing.has(ring, packet))
    const isInside = memory.bytes.subarray(memory.ownerOffset, firstOffset).every((byte) => byte === 0xa5)
    const end = firstOffset + capacityBytes
    hold(
      isInside && memory.bytes.subarray(end).every((byte) => byte === 0xa5),
      "a ring stays within its part of the memory"
    )
  }

  for (const { lengthBytes, packets, thenMs } of bursts) {
    for (let left = packets; left > 0; left -= batchPackets) {
      // As a resend does: what goes out is read when the whole batch has been taken in.
      const promised = stored
        .filter(({ packet }) => PacketRing.hasForBatch(ring, packet))
        .map((one) => ({ one, offset: PacketRing.offsetOf(ring, one.packet) }))
      for (let n = 0; n < Math.min(left, batchPackets); n++) store(lengthBytes)
      const broken = promised.find(({ offset, one }) => !isWholeAt(ring, one, offset))
      hold(broken === undefined, "what is there for a batch outlives it", () =>
        show([broken, ring.writeAt, ring.lapEnd])
      )
    }
    nowMs += thenMs
    checkAll()
  }
  const clocks = ring.clocks.clocks.filter((clock) => clock !== undefined).length
  hold(clocks === (ring.next === ring.oldest ? 0 : 1), "a clock is known while its packets are", () => show(clocks))
}

export const target = define<Case>({
  name: "ring",
  about: "a packet ring: what it says is there is there as it was stored, young packets are, nothing else is touched",
  smokeCases: 25,
  draw: (draw) => ({
    capacityBytes: Dice.pick(draw, [256 << 10, 300_001, 1 << 20, (1 << 20) + 1, 3 << 20]),
    firstPacket: Dice.pick(draw, [0, 0x7fff_ff00, 0xffff_ff00]),
    bursts: Dice.many(Dice.integer(draw, 1, 30), () => ({
      packets: Dice.pick(draw, [1, 3, 64, 100, 700]),
      lengthBytes: Dice.pick(draw, [4, 12, 172, 1188, packetBytesMax, Dice.integer(draw, 4, packetBytesMax)]),
      thenMs: Dice.pick(draw, [0, 1, 20, 500, 1501, 5000])
    }))
  }),
  check,
  *smaller(input) {
    for (const bursts of Smaller.lists(input.bursts)) yield { ...input, bursts }
    const shorter = (burst: Burst) => (burst.packets > 1 ? [{ ...burst, packets: burst.packets >> 1 }] : [])
    for (const bursts of Smaller.listsOfSmaller(input.bursts, shorter)) yield { ...input, bursts }
  },
  show: ({ bursts, capacityBytes, firstPacket }) =>
    [`${capacityBytes} bytes, from packet ${firstPacket}`, ...bursts.map((burst) => JSON.stringify(burst))].join("\n")
})
