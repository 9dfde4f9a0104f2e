import * as Leg from "../../src/media/Leg.ts"
import * as PacketRing from "../../src/media/PacketRing.ts"
import * as PacketRings from "../../src/media/PacketRings.ts"
import * as ReceiveLeg from "../../src/media/ReceiveLeg.ts"
import * as SendLeg from "../../src/media/SendLeg.ts"
import * as StreamClock from "../../src/media/StreamClock.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

/** A frame on its way. */
interface Flying {
  readonly to: Side
  readonly arrivesAtMs: number
  readonly bytes: Uint8Array
}

export interface Side {
  readonly leg: Leg.Leg
  readonly resources: Leg.LegResources
  readonly out: PacketBatch.SendBatch
  /** Sequence number of every packet that was not a duplicate, in order of arrival, and when. */
  readonly received: Array<{ readonly number: number; readonly atMs: number }>
  framesSent: number
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

const makeSide = (receiveTag: number, sendTag: number, repair: boolean): Side => {
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: 4 << 20 })
  const scratchBytes = 1 << 20
  return {
    leg: Leg.make({ receiveTag, sendTag, epoch: 0, address: new Uint32Array(PacketBatch.addressWords), repair }),
    resources: {
      rings: PacketRings.make(memory, memory.ownerOffset + scratchBytes, { audioBytes: 1 << 20, videoBytes: 2 << 20 }),
      report: Feedback.make()
    },
    out: PacketBatch.makeSendBatch({ capacity: 1024, scratchOffset: memory.ownerOffset, scratchBytes }),
    received: [],
    framesSent: 0
  }
}

/** Two ends of one hop and the link between them, in virtual time: the smallest simulator that can run a leg. */
export const make = (options: { readonly link: Link; readonly repair?: boolean; readonly draw: () => number }) => {
  const left = makeSide(1, 2, options.repair ?? true)
  const right = makeSide(2, 1, options.repair ?? true)
  const flying: Array<Flying> = []
  const { link, draw } = options
  const state = { nowMs: 0, lossRatio: link.lossRatio }

  const flush = (from: Side) => {
    const { out } = from
    for (let i = 0; i < out.count; i++) {
      from.framesSent++
      if (draw() < state.lossRatio) continue
      const header = out.headers.subarray(i * PacketBatch.headerBytesMax).subarray(0, out.headerLengths[i]!)
      const body = from.resources.rings.memory.bytes.subarray(
        out.bodyOffsets[i]!,
        out.bodyOffsets[i]! + out.bodyLengths[i]!
      )
      flying.push({
        to: from === left ? right : left,
        arrivesAtMs: state.nowMs + link.latencyMs + draw() * link.jitterMs,
        bytes: Uint8Array.of(...header, ...body)
      })
    }
    PacketBatch.reset(out)
  }

  const arrive = ({ to, bytes }: Flying) => {
    const { view } = to.resources.rings.memory
    to.resources.rings.memory.bytes.set(bytes)
    const verdict = ReceiveLeg.handleFrame(to.leg.receive, to.resources.rings.memory.bytes, view, 0, state.nowMs)
    if (HopFrame.typeAt(bytes, 0) === HopFrame.FrameType.Feedback) {
      const isRead = Leg.handleFeedback(
        to.leg,
        to.resources,
        HopFrame.headerBytes,
        bytes.length - HopFrame.headerBytes,
        state.nowMs,
        to.out
      )
      if (!isRead) throw new Error("a leg wrote feedback that a leg cannot read")
    } else if (verdict <= ReceiveLeg.Verdict.Jumped) {
      to.received.push({ number: view.getUint32(HopFrame.headerBytes), atMs: state.nowMs })
    }
    flush(to)
  }

  const clock = StreamClock.make("video", 90000)
  /** Sends packet `number` of a video stream from the left. */
  const send = (number: number) => {
    const timestamp = Math.round(state.nowMs * 90) >>> 0
    StreamClock.handlePacket(clock, timestamp, state.nowMs)
    const bytes = new Uint8Array(100)
    new DataView(bytes.buffer).setUint32(0, number)
    const packet = PacketRing.storeBytes(left.resources.rings.video, bytes, timestamp, clock, state.nowMs)
    const type = HopFrame.typeByte(HopFrame.FrameType.Video, 0)
    SendLeg.sendPacket(left.leg.send, left.resources.rings.video, packet, type, 0, state.nowMs, left.out)
    flush(left)
  }

  /** Goes on for `forMs`, one millisecond at a time. */
  const run = (forMs: number) => {
    for (const endMs = state.nowMs + forMs; state.nowMs < endMs; state.nowMs++) {
      for (const side of [left, right]) {
        Leg.poll(side.leg, side.resources, state.nowMs, side.out)
        flush(side)
      }
      const due = flying.filter((frame) => frame.arrivesAtMs <= state.nowMs)
      due.sort((a, b) => a.arrivesAtMs - b.arrivesAtMs)
      for (const frame of due) flying.splice(flying.indexOf(frame), 1)
      due.forEach(arrive)
    }
  }

  return { left, right, state, send, run }
}
