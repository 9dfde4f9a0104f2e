import * as Forwarding from "../../src/pipeline/Forwarding.ts"
import * as LegTable from "../../src/pipeline/LegTable.ts"
import * as RelayLeg from "../../src/pipeline/RelayLeg.ts"
import * as RelayStream from "../../src/pipeline/RelayStream.ts"
import * as Leg from "../../src/media/Leg.ts"
import * as PacketRings from "../../src/media/PacketRings.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

export const batchPackets = 64
/** A batch a millisecond: 64,000 packets a second. */
export const batchMs = 1
const address = (last: number) => Uint32Array.of(5000 + last, 0, 0, 0xffff, 0x0a000000 + last)

export interface Setup {
  readonly forwarding: Forwarding.Forwarding
  readonly batch: PacketBatch.PacketBatch
  readonly out: PacketBatch.SendBatch
}

/** A relay with one sender of audio and `receivers` receivers, and a batch of the sender's packets in its slots. */
export const setUp = (receivers: number, payloadBytes: number): Setup => {
  const scratchBytes = 64 * 1024
  const audioBytes = 64 << 20
  const memory = PacketMemory.make({ receiveSlots: batchPackets, ownerBytes: scratchBytes + audioBytes + (1 << 20) })
  const rings = PacketRings.make(memory, memory.ownerOffset + scratchBytes, { audioBytes, videoBytes: 1 << 20 })
  const forwarding = Forwarding.make(Leg.makeResources(rings), batchPackets, 0)
  const call = CallId.make("bench")
  const legs = Array.from({ length: receivers + 1 }, (_, i) =>
    RelayLeg.make({
      call,
      participant: ParticipantId.make(`p${i}`),
      streams: [new StreamDescription({ ssrc: 1000 + i, kind: "audio", clockRate: 48000, codec: "opus" })],
      receiveTag: 0x1234567 * (i + 1),
      sendTag: i + 1,
      epoch: 0,
      address: address(i),
      repair: true
    })
  )
  for (const leg of legs) LegTable.add(forwarding.legs, leg)
  RelayStream.route(legs[0]!.streams[0]!, legs.slice(1), true, 0)
  const batch = PacketBatch.makePacketBatch(batchPackets)
  for (let i = 0; i < batchPackets; i++) {
    batch.offsets[i] = i * PacketMemory.slotBytes
    batch.lengths[i] = HopFrame.headerBytes + RtpHeader.fixedHeaderBytes + payloadBytes
    batch.addresses.set(address(0), i * PacketBatch.addressWords)
  }
  batch.count = batchPackets
  const out = PacketBatch.makeSendBatch({
    capacity: 4096,
    scratchOffset: memory.ownerOffset,
    scratchBytes
  })
  return { forwarding, batch, out }
}

/** Writes the next 64 packets of the stream into the receive slots, as a network would. */
export const receive = (forwarding: Forwarding.Forwarding, first: number): void => {
  const { view } = forwarding.resources.rings.memory
  for (let i = 0; i < batchPackets; i++) {
    const offset = i * PacketMemory.slotBytes
    const n = first + i
    const type = HopFrame.typeByte(HopFrame.FrameType.Audio, 0)
    HopFrame.writeHeader(view, offset, type, HopFrame.audioLevelUnknown, n & 0xffff, n & 0xffff, 0, 0x1234567)
    RtpHeader.writeHeader(view, offset + HopFrame.headerBytes, {
      marker: false,
      payloadType: 111,
      sequenceNumber: n & 0xffff,
      timestamp: (n * 960) >>> 0,
      ssrc: 1000
    })
  }
}

/**
 * Nanoseconds per incoming packet: with forwarding, and of writing the packets into the slots alone, which is the
 * harness's own share. Checks that the work was really done.
 */
export const measure = (receivers: number, payloadBytes: number, batches: number) => {
  const setup = setUp(receivers, payloadBytes)
  const round = (first: number, forward: boolean): number => {
    const start = process.hrtime.bigint()
    for (let b = 0; b < batches; b++) {
      receive(setup.forwarding, first + b * batchPackets)
      if (!forward) continue
      Forwarding.forwardBatch(setup.forwarding, setup.batch, (first / batchPackets + b) * batchMs, setup.out)
      PacketBatch.reset(setup.out)
    }
    return Number(process.hrtime.bigint() - start) / (batches * batchPackets)
  }
  round(0, true)
  const forwardNs = round(batches * batchPackets, true)
  const harnessNs = round(2 * batches * batchPackets, false)
  const { counters } = setup.forwarding
  const expected = 2 * batches * batchPackets * receivers
  if (counters.mediaOut !== expected) throw new Error(`forwarded ${counters.mediaOut} packets instead of ${expected}`)
  return { forwardNs, harnessNs }
}
