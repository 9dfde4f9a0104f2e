import * as Leg from "../../src/media/Leg.ts"
import * as PacketRings from "../../src/media/PacketRings.ts"
import * as SendLeg from "../../src/media/SendLeg.ts"
import * as Forwarding from "../../src/pipeline/Forwarding.ts"
import * as LegTable from "../../src/pipeline/LegTable.ts"
import * as RelayLeg from "../../src/pipeline/RelayLeg.ts"
import * as RelayStream from "../../src/pipeline/RelayStream.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

const receiveSlots = 64
const scratchBytes = 64 * 1024
const ringBytes = 4 << 20

/** What the relay has sent: to whom, and the datagram. */
export interface Sent {
  readonly to: number
  readonly bytes: Uint8Array
}

export const addressOf = (participant: number): Uint32Array =>
  Uint32Array.of(5000 + participant, 0, 0, 0xffff, 0x0a000001)
/** Above 2^31, as every other SSRC is. */
export const audioSsrc = (participant: number): number => 0xa000_0000 + participant
export const videoSsrc = (participant: number): number => 0xb000_0000 + participant
export const tagOf = (participant: number): number => 0xabcd0001 + participant

const audioAndVideo = (n: number): ReadonlyArray<StreamDescription> => [
  new StreamDescription({ ssrc: audioSsrc(n), kind: "audio", clockRate: 48000, codec: "opus" }),
  new StreamDescription({ ssrc: videoSsrc(n), kind: "video", clockRate: 90000, codec: "vp8" })
]

/** The packet path of a relay with one call, everybody's streams to everybody else; no sockets, no time of its own. */
export const make = (participants: number, streamsOf = audioAndVideo) => {
  const memory = PacketMemory.make({ receiveSlots, ownerBytes: scratchBytes + 2 * ringBytes })
  const rings = PacketRings.make(memory, memory.ownerOffset + scratchBytes, {
    audioBytes: ringBytes,
    videoBytes: ringBytes
  })
  const forwarding = Forwarding.make(Leg.makeResources(rings), receiveSlots, 0)
  const legs = Array.from({ length: participants }, (_, n) =>
    RelayLeg.make({
      call: CallId.make("call"),
      participant: ParticipantId.make(`p${n}`),
      streams: streamsOf(n),
      receiveTag: tagOf(n),
      sendTag: n + 1,
      epoch: 1,
      address: addressOf(n),
      repair: true,
      // Nothing has to wait, unless a test sends more than this.
      startBps: 1e9
    })
  )
  for (const leg of legs) {
    LegTable.add(forwarding.legs, leg)
    leg.sources = legs.filter((other) => other !== leg)
    for (const stream of leg.streams) RelayStream.route(stream, leg.sources, true, 0)
  }
  const batch = PacketBatch.makePacketBatch(receiveSlots)
  const out = PacketBatch.makeSendBatch({ capacity: 4096, scratchOffset: memory.ownerOffset, scratchBytes })

  const takeSent = (): Array<Sent> => {
    const sent = Array.from({ length: out.count }, (_, place) => {
      const bytes = new Uint8Array(PacketBatch.packetBytes(out, place))
      PacketBatch.join(out, place, memory, bytes, 0)
      return { to: out.addresses[place * PacketBatch.addressWords]! - 5000, bytes }
    })
    PacketBatch.reset(out)
    return sent
  }

  return {
    forwarding,
    legs,
    /** What the system still holds behind the batches that come: 0 to 1. */
    setBacklog: (share: number) => void (batch.backlog = share),
    /** Hands datagrams to the relay as one batch, and returns what it sends for them. */
    receive: (
      nowMs: number,
      ...datagrams: ReadonlyArray<{ readonly from: Uint32Array; readonly bytes: Uint8Array }>
    ) => {
      datagrams.forEach(({ bytes, from }, i) => {
        batch.offsets[i] = i * PacketMemory.slotBytes
        batch.lengths[i] = bytes.length
        memory.bytes.set(bytes, i * PacketMemory.slotBytes)
        batch.addresses.set(from, i * PacketBatch.addressWords)
      })
      batch.count = datagrams.length
      Forwarding.forwardBatch(forwarding, batch, nowMs, out)
      return takeSent()
    },
    /** Lets the relay do what is due. */
    poll: (nowMs: number) => {
      Forwarding.pollLegs(forwarding, nowMs, out, Infinity)
      return takeSent()
    },
    quietAfterMs: SendLeg.quietAfterMs
  }
}

export interface Packet {
  readonly from: number
  readonly repair: number
  readonly hop?: number
  readonly type?: HopFrame.FrameType
  readonly flags?: number
  readonly descriptor?: number
  readonly ssrc?: number
  readonly timestamp?: number
  readonly payload?: Uint8Array
  readonly tag?: number
}

/** A media frame of a participant, ready to be received. */
export const frame = (packet: Packet) => {
  const type = packet.type ?? HopFrame.FrameType.Audio
  const payload = packet.payload ?? new Uint8Array(20)
  const bytes = new Uint8Array(HopFrame.headerBytes + RtpHeader.fixedHeaderBytes + payload.length)
  const view = new DataView(bytes.buffer)
  const first = HopFrame.typeByte(type, packet.flags ?? 0)
  const hop = packet.hop ?? packet.repair
  HopFrame.writeHeader(view, 0, first, packet.descriptor ?? 0, hop, packet.repair, 1, packet.tag ?? tagOf(packet.from))
  RtpHeader.writeHeader(view, HopFrame.headerBytes, {
    marker: false,
    payloadType: 96,
    sequenceNumber: packet.repair,
    timestamp: packet.timestamp ?? packet.repair * 960,
    ssrc: packet.ssrc ?? (type === HopFrame.FrameType.Video ? videoSsrc : audioSsrc)(packet.from)
  })
  bytes.set(payload, HopFrame.headerBytes + RtpHeader.fixedHeaderBytes)
  return { from: addressOf(packet.from), bytes }
}

/** A feedback frame of a participant that asks for these repair sequences and key frames, and says what has arrived. */
export const feedback = (
  from: number,
  hop: number,
  asks: {
    readonly requests?: ReadonlyArray<number>
    readonly keyFrames?: ReadonlyArray<number>
    readonly rates?: ReadonlyArray<readonly [ssrc: number, bps: number]>
    /** Of the frames with these hop sequences whether they have arrived. */
    readonly arrivals?: { readonly from: number; readonly arrived: ReadonlyArray<boolean> }
  }
) => {
  const report = Feedback.make()
  report.requests.set(asks.requests ?? [])
  report.requestCount = asks.requests?.length ?? 0
  report.keyFrameSsrcs.set(asks.keyFrames ?? [])
  report.keyFrameCount = asks.keyFrames?.length ?? 0
  for (const [ssrc, bps] of asks.rates ?? []) Feedback.addRate(report, ssrc, bps)
  const { arrived = [], from: first = 0 } = asks.arrivals ?? {}
  report.baseHopSequence = first
  report.arrivalCount = arrived.length
  arrived.forEach((is, i) => (report.arrivalTicks[i] = is ? i : Feedback.notReceived))
  const bytes = new Uint8Array(1500)
  const view = new DataView(bytes.buffer)
  HopFrame.writeHeader(view, 0, HopFrame.typeByte(HopFrame.FrameType.Feedback, 0), 0, hop, 0xffff, 1, tagOf(from))
  const length = Feedback.write(view, HopFrame.headerBytes, 1000, report, 0)
  return { from: addressOf(from), bytes: bytes.slice(0, HopFrame.headerBytes + length) }
}

export const typeOf = ({ bytes }: Sent): number => HopFrame.typeAt(bytes, 0)

/** What a feedback frame that the relay has sent asks for. */
export const readFeedback = ({ bytes }: Sent) => {
  const report = Feedback.make()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!Feedback.read(view, HopFrame.headerBytes, bytes.length - HopFrame.headerBytes, report))
    throw new Error("malformed feedback")
  return {
    requests: Array.from(report.requests.subarray(0, report.requestCount)),
    keyFrames: Array.from(report.keyFrameSsrcs.subarray(0, report.keyFrameCount)),
    rates: Array.from(report.rateBps.subarray(0, report.rateCount), (bps, i) => [report.rateSsrcs[i]!, bps] as const)
  }
}
