import * as Forwarding from "../../src/pipeline/Forwarding.ts"
import * as SendRate from "../../src/media/SendRate.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as SequenceNumber from "../../src/protocol/SequenceNumber.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"
import * as Relay from "./RelayHarness.ts"

/** Media packets of a batch; behind them is room for a resend and for everybody's feedback. */
const mediaPackets = 56
/** A batch a millisecond, not quite: times are no whole numbers. */
const batchMs = 1.000_003
/** Every so many batches: a poll, the resend of what was lost, a key frame. */
const pollBatches = 5
const resendBatches = 3
const keyFrameBatches = 900
/** One number in so many is lost on the way to the relay. */
const lostEvery = 97
/** What receivers ask for was sent about 18 ms before: long enough for an answer, and not too long. */
const askedBack = 1000
/**
 * Receivers report whatever was sent to them, each packet once, as it arrives over a path that holds it all: evenly. The
 * newest that they tell of was sent about 11 ms before and held for 5, so the round trip is 6.
 */
const reportedBack = 600
const heldTicks = 20
const reportedTicksPerBatch = 4
/** The path has shown before how much it holds: nothing has to wait. Bits a second. */
const bandwidth = { startBps: 2e9, minBps: 1e9, maxBps: 4e9, probeMaxBps: 1e6 }

const audioPayload = new Uint8Array(88)
const videoPayload = new Uint8Array(1076)
const timestampAt = HopFrame.headerBytes + 4

/**
 * A call in which participant 0 sends audio and video with gaps, and all others answer with feedback that asks for packets
 * and key frames, every so many batches. The load itself allocates nothing: its numbers lie in arrays, its frames are made
 * once and patched. `isPlain`: all of it in frames of audio, for which nothing is estimated, held back or protected.
 */
export const make = (participants: number, feedbackBatches = 10, isPlain = false) => {
  const { forwarding, legs } = Relay.make(participants)
  const { memory } = forwarding.resources.rings
  const { bytes, view } = memory
  const batch = PacketBatch.makePacketBatch(64)
  const out = PacketBatch.makeSendBatch({
    capacity: 4096,
    scratchOffset: memory.ownerOffset,
    scratchBytes: 64 * 1024
  })
  const audio = Relay.frame({ from: 0, repair: 0, payload: audioPayload }).bytes
  const video = Relay.frame({ from: 0, repair: 0, type: HopFrame.FrameType.Video, payload: videoPayload }).bytes
  const report = Feedback.make()
  const addresses = legs.map((_, participant) => Relay.addressOf(participant))
  const feedbackHops = new Uint16Array(participants)
  const reported = new Uint16Array(participants)
  for (const { hop } of isPlain ? [] : legs) hop.send.rate = SendRate.make(hop.kind, hop.send.nextHop, bandwidth)
  const nowMs = Float64Array.of(0.3)
  /** Hop and repair sequence of the sender, wrapping. */
  const sequences = new Uint16Array(2)
  /** Of audio and of video. As in half of all streams they need the highest of their 32 bits. */
  const timestamps = Uint32Array.of(0xf000_0000, 0xe000_0000)
  const reportedTicks = feedbackBatches * reportedTicksPerBatch
  let batches = 0
  let lost = -1

  const address = (slot: number, participant: number): void => {
    const from = addresses[participant]!
    for (let word = 0; word < from.length; word++) batch.addresses[slot * from.length + word] = from[word]!
  }

  const putMedia = (slot: number, isAudio: boolean, flags: number, descriptor: number, repair: number): void => {
    const offset = slot * PacketMemory.slotBytes
    const frame = isAudio ? audio : video
    bytes.set(frame, offset)
    const type = HopFrame.typeByte(isAudio || isPlain ? HopFrame.FrameType.Audio : HopFrame.FrameType.Video, flags)
    HopFrame.writeHeader(view, offset, type, descriptor, sequences[0]!, repair, 1, Relay.tagOf(0))
    view.setUint32(offset + timestampAt, timestamps[isAudio ? 0 : 1]!)
    sequences[0]!++
    batch.offsets[slot] = offset
    batch.lengths[slot] = frame.length
    address(slot, 0)
  }

  const putFeedback = (slot: number, participant: number): void => {
    const offset = slot * PacketMemory.slotBytes
    const { lastRepair, nextHop } = legs[participant]!.hop.send
    const first = HopFrame.typeByte(HopFrame.FrameType.Feedback, 0)
    const hop = feedbackHops[participant]!++
    HopFrame.writeHeader(view, offset, first, 0, hop, 0xffff, 1, Relay.tagOf(participant))
    const nowTicks = Math.round(nowMs[0]! * Feedback.ticksPerMs)
    report.baseHopSequence = reported[participant]!
    const unreported = SequenceNumber.distance(reported[participant]!, nextHop - reportedBack)
    report.arrivalCount = Math.min(Feedback.arrivalsMax, Math.max(0, unreported))
    reported[participant] = report.baseHopSequence + report.arrivalCount
    report.referenceTicks = nowTicks - heldTicks - reportedTicks
    for (let i = 0; i < report.arrivalCount; i++) {
      report.arrivalTicks[i] = Math.floor((i * reportedTicks) / report.arrivalCount)
    }
    report.requestCount = 2
    report.requests[0] = (lastRepair - askedBack) & 0xffff
    report.requests[1] = (lastRepair - askedBack - participant) & 0xffff
    report.keyFrameCount = 1
    report.keyFrameSsrcs[0] = Relay.videoSsrc(0)
    const length = Feedback.write(view, offset + HopFrame.headerBytes, 1000, report, nowTicks)
    batch.offsets[slot] = offset
    batch.lengths[slot] = HopFrame.headerBytes + length
    address(slot, participant)
  }

  /** Hands one batch to the relay, and what it sends for it to nobody. */
  const step = (): void => {
    nowMs[0]! += batchMs
    batches++
    timestamps[1]! += 90
    let slot = 0
    for (; slot < mediaPackets; slot++) {
      if (sequences[1]! % lostEvery === 0) {
        lost = sequences[1]!++
        sequences[0]!++
      }
      const isAudio = slot % 8 === 0
      if (isAudio) timestamps[0]! += 7
      const startsKeyFrame = slot === 1 && batches % keyFrameBatches === 0
      const descriptor = HopFrame.startOfFrameFlag | (startsKeyFrame ? HopFrame.independentFlag : 0)
      putMedia(slot, isAudio, 0, descriptor, sequences[1]!++)
    }
    if (lost >= 0 && batches % resendBatches === 0) {
      putMedia(slot++, false, HopFrame.resendFlag, 0, lost)
      lost = -1
    }
    if (batches % feedbackBatches === 0) {
      for (let participant = 1; participant < participants; participant++) putFeedback(slot++, participant)
    }
    batch.count = slot
    Forwarding.forwardBatch(forwarding, batch, nowMs[0]!, out)
    PacketBatch.reset(out)
    if (batches % pollBatches === 0) {
      Forwarding.pollLegs(forwarding, nowMs[0]!, out, Infinity)
      PacketBatch.reset(out)
    }
  }

  return {
    counters: forwarding.counters,
    overflowed: () => out.overflowed,
    /** Datagrams handed to the relay, at least so many; returns how many. */
    run: (datagrams: number, afterEach: (batchCount: number) => void): number => {
      let handed = 0
      while (handed < datagrams) {
        step()
        handed += batch.count
        afterEach(batch.count)
      }
      return handed
    }
  }
}
