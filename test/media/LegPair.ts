import * as Leg from "../../src/media/Leg.ts"
import * as PacketRing from "../../src/media/PacketRing.ts"
import * as PacketRings from "../../src/media/PacketRings.ts"
import * as ReceiveLeg from "../../src/media/ReceiveLeg.ts"
import * as SendLeg from "../../src/media/SendLeg.ts"
import * as StreamClock from "../../src/media/StreamClock.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as DueQueue from "../../src/sockets/DueQueue.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

/** A frame on its way. */
interface Flying {
  readonly to: Side
  readonly bytes: Uint8Array
}

export interface Side {
  readonly leg: Leg.Leg
  readonly resources: Leg.LegResources
  readonly out: PacketBatch.SendBatch
  /** Number of every packet that was not a duplicate, in order of arrival, when, and under which leg tag. */
  readonly received: Array<{ readonly number: number; readonly atMs: number; readonly tag: number }>
  framesSent: number
  /** Hop sequences that the other side's reports have covered, and the longest frame of a report. */
  framesReported: number
  reportBytesMax: number
}

export interface Link {
  readonly lossRatio: number
  readonly latencyMs: number
  readonly jitterMs: number
}

/** mulberry32: a small generator, so that a run is its seed. */
export const dice = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

interface Options {
  readonly link: Link
  readonly repair?: boolean
  readonly draw: () => number
  readonly kind?: "device" | "trunk"
  /** First number of both sequences, both ways: as if so many had gone before. */
  readonly sequenceStart?: number
  /** Enough for 1.5 s of what is sent. */
  readonly videoBytes?: number
  /** Sees every frame that arrives, duplicates too. */
  readonly onFrame?: (bytes: Uint8Array) => void
}

const makeSide = (receiveTag: number, sendTag: number, options: Options): Side => {
  const { kind = "device", repair = true, sequenceStart = 0, videoBytes = 2 << 20 } = options
  const scratchBytes = 1 << 20
  const audioBytes = 1 << 20
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: scratchBytes + audioBytes + videoBytes })
  const address = new Uint32Array(PacketBatch.addressWords)
  const leg = Leg.make({ receiveTag, sendTag, epoch: 0, address, repair, kind })
  leg.send.nextHop = sequenceStart
  leg.send.lastRepair = (sequenceStart - 1) & leg.kind.mask
  leg.send.history.highest = leg.send.lastRepair
  leg.receive.nacks.highest = leg.send.lastRepair
  return {
    leg,
    resources: Leg.makeResources(
      PacketRings.make(memory, memory.ownerOffset + scratchBytes, { audioBytes, videoBytes })
    ),
    out: PacketBatch.makeSendBatch({ capacity: 1024, scratchOffset: memory.ownerOffset, scratchBytes }),
    received: [],
    framesSent: 0,
    framesReported: 0,
    reportBytesMax: 0
  }
}

/** Two ends of one hop and the link between them, in virtual time: the smallest simulator that can run a leg. */
export const make = (options: Options) => {
  const left = makeSide(1, 2, options)
  const right = makeSide(2, 1, options)
  const { headerBytes } = left.leg.kind
  const flying = DueQueue.make<Flying>()
  const { link, draw } = options
  const state = { nowMs: 0, lossRatio: link.lossRatio }

  const flush = (from: Side) => {
    const { out } = from
    for (let i = 0; i < out.count; i++) {
      from.framesSent++
      if (draw() < state.lossRatio) continue
      const bytes = new Uint8Array(PacketBatch.packetBytes(out, i))
      PacketBatch.join(out, i, from.resources.rings.memory, bytes, 0)
      const arrivesAtMs = state.nowMs + link.latencyMs + draw() * link.jitterMs
      DueQueue.add(flying, arrivesAtMs, { to: from === left ? right : left, bytes })
    }
    PacketBatch.reset(out)
  }

  const arrive = ({ to, bytes }: Flying) => {
    options.onFrame?.(bytes)
    const { view } = to.resources.rings.memory
    to.resources.rings.memory.bytes.set(bytes)
    const verdict = ReceiveLeg.handleFrame(to.leg.receive, to.resources.rings.memory.bytes, view, 0, state.nowMs)
    if (HopFrame.typeAt(bytes, 0) === HopFrame.FrameType.Feedback) {
      const isRead = Leg.handleFeedback(
        to.leg,
        to.resources,
        headerBytes,
        bytes.length - headerBytes,
        state.nowMs,
        to.out
      )
      if (!isRead) throw new Error("a leg wrote feedback that a leg cannot read")
      to.framesReported += to.resources.report.arrivalCount
      to.reportBytesMax = Math.max(to.reportBytesMax, bytes.length)
    } else if (verdict <= ReceiveLeg.Verdict.Jumped) {
      to.received.push({ number: view.getUint32(headerBytes), atMs: state.nowMs, tag: HopFrame.legTagAt(view, 0) })
    }
    flush(to)
  }

  const clock = StreamClock.make("video", 90000)
  /** Sends packet `number` of a video stream from the left; on a trunk: of the call that has this tag at the right. */
  const send = (number: number, tag = left.leg.send.legTag) => {
    const timestamp = Math.round(state.nowMs * 90) >>> 0
    StreamClock.handlePacket(clock, timestamp, state.nowMs)
    const bytes = new Uint8Array(100)
    new DataView(bytes.buffer).setUint32(0, number)
    const packet = PacketRing.storeBytes(left.resources.rings.video, bytes, timestamp, clock, state.nowMs)
    const type = HopFrame.typeByte(HopFrame.FrameType.Video, 0)
    const { leg, out, resources } = left
    SendLeg.sendPacketOn(leg.send, tag, resources.rings.video, packet, type, 0, state.nowMs, out)
    flush(left)
  }

  /** Goes on for `forMs`, one millisecond at a time. */
  const run = (forMs: number) => {
    for (const endMs = state.nowMs + forMs; state.nowMs < endMs; state.nowMs++) {
      for (const side of [left, right]) {
        Leg.poll(side.leg, side.resources, state.nowMs, side.out)
        flush(side)
      }
      for (let due = DueQueue.take(flying, state.nowMs); due !== undefined; due = DueQueue.take(flying, state.nowMs)) {
        arrive(due)
      }
    }
  }

  return { left, right, state, send, run }
}
