import * as CarryOver from "../../src/media/CarryOver.ts"
import * as Pacing from "../../src/media/Pacing.ts"
import * as Leg from "../../src/media/Leg.ts"
import * as PacketRing from "../../src/media/PacketRing.ts"
import * as PacketRings from "../../src/media/PacketRings.ts"
import * as SendLeg from "../../src/media/SendLeg.ts"
import * as StreamClock from "../../src/media/StreamClock.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

/** A frame that has left. */
export interface Left {
  readonly type: number
  readonly hasHole: boolean
  readonly repair: number
  /** Of the leg that it has left on: 1, and one more with each move. */
  readonly tag: number
  /** The packet's number, as it was given; `undefined` of what is no packet. */
  readonly number: number | undefined
  readonly bytes: number
  readonly atMs: number
}

/** The sending half of a leg, and what leaves it. A path that is assumed to carry so much, and nobody reports. */
export const make = (startBps: number) => {
  const scratchBytes = 1 << 20
  const ringBytes = 4 << 20
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: scratchBytes + 2 * ringBytes })
  const rings = PacketRings.make(memory, memory.ownerOffset + scratchBytes, {
    audioBytes: ringBytes,
    videoBytes: ringBytes
  })
  const resources = Leg.makeResources(rings)
  const batch = { capacity: 512, scratchOffset: memory.ownerOffset, scratchBytes }
  const out = PacketBatch.makeSendBatch(batch)
  const address = new Uint32Array(PacketBatch.addressWords)
  const legOf = (legTag: number) => SendLeg.make({ legTag, epoch: 0, address, startBps })
  const leg = legOf(1)
  /** The newest last; the others are done with, and still polled. */
  const legs = [leg]
  const clocks = { audio: StreamClock.make("audio", 48_000), video: StreamClock.make("video", 90_000) }
  const left: Array<Left> = []
  const state = { nowMs: 0 }

  const flush = () => {
    for (let i = 0; i < out.count; i++) {
      const bytes = new Uint8Array(PacketBatch.packetBytes(out, i))
      PacketBatch.join(out, i, memory, bytes, 0)
      const view = new DataView(bytes.buffer)
      const type = HopFrame.typeAt(bytes, 0)
      left.push({
        type,
        hasHole: (bytes[0]! & HopFrame.gapFlag) !== 0,
        repair: HopFrame.repairSequenceAt(view, 0),
        tag: HopFrame.legTagAt(view, 0),
        number: HopFrame.isMedia(type) ? view.getUint32(HopFrame.headerBytes) : undefined,
        bytes: bytes.length,
        atMs: state.nowMs
      })
    }
    PacketBatch.reset(out)
  }

  const send = (kind: "audio" | "video", number: number, sizeBytes: number, descriptor = 0) => {
    const clock = clocks[kind]
    const timestamp = Math.round((state.nowMs * clock.clockRate) / 1000)
    StreamClock.handlePacket(clock, timestamp, state.nowMs)
    const bytes = new Uint8Array(sizeBytes)
    new DataView(bytes.buffer).setUint32(0, number)
    const packet = PacketRing.storeBytes(rings[kind], bytes, timestamp, clock, state.nowMs)
    const type = HopFrame.typeByte(HopFrame.FrameType[kind === "audio" ? "Audio" : "Video"], 0)
    const newest = legs.at(-1)!
    Pacing.send(newest, newest.legTag, rings[kind], packet, type, descriptor, state.nowMs, out)
    flush()
  }

  /** Time passes, and the leg is polled as the relay's timers do. */
  const pass = (forMs: number, tickMs = 5) => {
    for (const endMs = state.nowMs + forMs; state.nowMs < endMs;) {
      state.nowMs += tickMs
      for (const each of legs) Pacing.poll(each, resources, 100, state.nowMs, out)
      flush()
    }
  }

  /** Goes on with another leg. Returns that. */
  const moveOn = (sinceMs: number) => {
    const next = legOf(legs.length + 1)
    CarryOver.carryOver(next, legs.at(-1)!, rings, sinceMs, state.nowMs, out)
    legs.push(next)
    flush()
    return next
  }

  return { leg, rings, resources, batch, left, state, send, pass, moveOn }
}
