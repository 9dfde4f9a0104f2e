import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ErasureCode from "../../src/media/fec/ErasureCode.ts"
import * as Leg from "../../src/media/Leg.ts"
import * as LegKind from "../../src/media/LegKind.ts"
import * as Pacing from "../../src/media/Pacing.ts"
import * as PacketRing from "../../src/media/PacketRing.ts"
import * as PacketRings from "../../src/media/PacketRings.ts"
import * as PlayoutBudget from "../../src/media/PlayoutBudget.ts"
import * as ReceiveLeg from "../../src/media/ReceiveLeg.ts"
import * as Recovery from "../../src/media/Recovery.ts"
import * as StreamClock from "../../src/media/StreamClock.ts"
import * as FecFrame from "../../src/protocol/FecFrame.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"
import * as LegPair from "./LegPair.ts"

/**
 * A whole leg whose other side is an enemy, or mad: feedback and repair packets that say anything, in any order, under clocks
 * that drift, jump and stand still. Whatever comes, nothing throws, memory is bounded, the estimate stays within its bounds,
 * nobody gets more resends than packets, and the leg is polled again.
 */

const scratchBytes = 1 << 17
const ringBytes = 2 << 20
const bodyAt = 64
const packetBytes = 100
const { FrameType } = HopFrame

type Kind = "device" | "trunk"

const make = (kind: Kind, seed: number, sequenceStart: number) => {
  const draw = LegPair.dice(seed)
  const below = (n: number): number => Math.floor(draw() * n)
  const pick = <A>(values: ReadonlyArray<A>): A => values[below(values.length)]!
  const memory = PacketMemory.make({ receiveSlots: 2, ownerBytes: scratchBytes + 2 * ringBytes })
  const { bytes, view } = memory
  const rings = PacketRings.make(memory, memory.ownerOffset + scratchBytes, {
    audioBytes: ringBytes,
    videoBytes: ringBytes
  })
  const resources = Leg.makeResources(rings)
  const out = PacketBatch.makeSendBatch({ capacity: 256, scratchOffset: memory.ownerOffset, scratchBytes })
  const address = new Uint32Array(PacketBatch.addressWords)
  const leg = Leg.make({ receiveTag: 1, sendTag: 2, epoch: 0, address, repair: true, kind })
  const { mask } = leg.kind
  leg.send.nextHop = sequenceStart & mask
  leg.send.lastRepair = (sequenceStart - 1) & mask
  leg.send.history.highest = leg.send.lastRepair
  leg.receive.nacks.highest = leg.send.lastRepair
  const clocks = { audio: StreamClock.make("audio", 48_000), video: StreamClock.make("video", 90_000) }
  const state = { nowMs: 1000, driftPpm: pick([0, 200, -200]), incomingHop: 0, reported: sequenceStart & mask }

  /** A number near one that counts, or any. */
  const near = (number: number): number =>
    (number + pick([0, 1, -1, below(64), -below(512), below(5000), 0x8000, below(2 ** 31)])) & mask
  const time = (): number => pick([state.nowMs, 0, -1e6, 1e12, state.nowMs - 200, Math.floor(draw() * 2 ** 32)])

  const send = (type: "audio" | "video", count: number) => {
    for (let i = 0; i < count; i++) {
      const clock = clocks[type]
      const timestamp = (state.nowMs * (clock.clockRate / 1000)) >>> 0
      StreamClock.handlePacket(clock, timestamp, state.nowMs)
      const packet = new Uint8Array(12 + below(1400))
      const ring = rings[type]
      const kept = PacketRing.storeBytes(ring, packet, timestamp, clock, state.nowMs)
      const first = HopFrame.typeByte(type === "audio" ? FrameType.Audio : FrameType.Video, 0)
      Pacing.send(leg.send, below(2 ** 32), ring, kept, first, i === count - 1 ? 0x40 : 0, state.nowMs, out)
    }
  }

  /** Writes the header of a frame that comes in; where its body begins. */
  const putHeader = (type: HopFrame.FrameType, repair: number, flags = 0): number => {
    const hop = pick([state.incomingHop++, near(state.incomingHop)]) & mask
    HopFrame.writeHeader(
      view,
      0,
      HopFrame.typeByte(type, flags),
      below(256),
      hop,
      repair,
      pick([0, 0, 0, below(256)]),
      1
    )
    if (leg.kind.isTrunk) HopFrame.writeUpperHalves(view, 0, hop, repair)
    return leg.kind.headerBytes
  }

  const feedback = (): void => {
    const { report } = resources
    const isHonest = draw() < 0.5
    report.baseHopSequence = isHonest ? state.reported : near(state.reported)
    report.arrivalCount = isHonest ? Math.min(200, Math.max(0, (leg.send.nextHop - state.reported) & mask)) : below(300)
    if (isHonest) state.reported = (state.reported + report.arrivalCount) & mask
    const lossRatio = pick([0, 0.1, 0.5, 1])
    for (let i = 0; i < report.arrivalCount; i++) {
      const ticks = isHonest
        ? i * 4 * (1 + state.driftPpm / 1e6)
        : pick([0, 253, -32_768, 32_767, below(65_536) - 32_768])
      report.arrivalTicks[i] = draw() < lossRatio ? Feedback.notReceived : Math.round(ticks)
    }
    report.referenceTicks = (isHonest ? (state.nowMs - 100) * 4 : time()) >>> 0
    report.holdMs = 0
    report.requestCount = below(100)
    for (let i = 0; i < report.requestCount; i++) {
      report.requests[i] = isHonest ? (leg.send.lastRepair - below(64)) & mask : near(leg.send.lastRepair)
    }
    report.keyFrameCount = below(3)
    const writtenAt = Math.round(isHonest ? state.nowMs * 4 : time())
    const length = Feedback.write(view, bodyAt, 1200, report, writtenAt, leg.kind.isTrunk)
    if (draw() < 0.2) bytes[bodyAt + below(length)] = below(256)
    receive(putHeader(FrameType.Feedback, near(leg.receive.nacks.highest)), length)
  }

  /** The body that lies at `bodyAt`, behind the header. */
  const receive = (headerBytes: number, length: number): void => {
    bytes.copyWithin(headerBytes, bodyAt, bodyAt + length)
    const verdict = ReceiveLeg.handleFrame(leg.receive, bytes, view, 0, state.nowMs)
    const type = HopFrame.typeAt(bytes, 0)
    if (verdict === ReceiveLeg.Verdict.Control) {
      if (type === FrameType.Feedback) Leg.handleFeedback(leg, resources, headerBytes, length, state.nowMs, out)
      if (type === FrameType.ForwardErrorCorrection) {
        recover(Recovery.handleRepair(leg.receive, resources, headerBytes, length, state.nowMs, out))
      }
    } else if (verdict <= ReceiveLeg.Verdict.Jumped) {
      const sequence = leg.kind.isTrunk ? HopFrame.wideRepairSequenceAt(view, 0) : HopFrame.repairSequenceAt(view, 0)
      recover(
        Recovery.keepPacket(leg.receive, rings, sequence, bytes[0]!, bytes[1]!, headerBytes, length, state.nowMs, out)
      )
    }
  }

  const recover = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const { lengths, offsets } = leg.receive.recovery!.decoder.recovered
      assert.isAtMost(offsets[i]! + lengths[i]!, memory.ownerOffset + scratchBytes)
      Recovery.noteRecovered(leg, i, state.nowMs)
    }
  }

  const media = (): void => {
    for (let i = below(40); i > 0; i--) {
      const repair = pick([
        (leg.receive.nacks.highest + 1) & mask,
        (leg.receive.nacks.highest + 2) & mask,
        near(leg.receive.nacks.highest)
      ])
      bytes.fill(below(256), bodyAt, bodyAt + 200)
      receive(putHeader(FrameType.Video, repair, pick([0, HopFrame.resendFlag])), 12 + below(180))
    }
  }

  const repairs = (): void => {
    for (let i = below(10); i > 0; i--) {
      const count = 1 + below(40)
      const base = pick([(leg.receive.nacks.highest - count) & mask, near(leg.receive.nacks.highest)])
      const head = FecFrame.writeHead(view, bodyAt, base, count, 1 + below(16), below(16), leg.kind.isTrunk)
      for (let byte = 0; byte < 220; byte++) bytes[bodyAt + head + byte] = draw() < 0.7 ? 0 : below(256)
      receive(putHeader(FrameType.ForwardErrorCorrection, near(leg.receive.nacks.highest)), head + below(220))
    }
  }

  /** A block as a good sender sends it, of which one packet is lost; one byte of it may have changed on the way. */
  const block = (): void => {
    const packets = ErasureCode.makeBlockPackets(leg.kind.isTrunk)
    const count = 2 + below(7)
    const base = (leg.receive.nacks.highest + 1) & mask
    const lost = below(count)
    for (let i = 0; i < count; i++) {
      packets.offsets[i] = PacketMemory.slotBytes + i * packetBytes
      packets.lengths[i] = packetBytes
      packets.types[i] = HopFrame.typeByte(FrameType.Video, 0)
      bytes.fill(below(256), packets.offsets[i]!, packets.offsets[i]! + packetBytes)
      if (i === lost) continue
      bytes.copyWithin(bodyAt, packets.offsets[i]!, packets.offsets[i]! + packetBytes)
      const at = putHeader(FrameType.Video, (base + i) & mask)
      bytes[1] = 0
      receive(at, packetBytes)
    }
    const symbolBytes = ErasureCode.symbolBytesOf(packets, count)
    const head = FecFrame.writeHead(view, bodyAt, base, count, 1, 0, leg.kind.isTrunk)
    ErasureCode.encode(packets, count, 0, view, view, bodyAt + head, symbolBytes)
    if (draw() < 0.2) bytes[bodyAt + head + below(symbolBytes)] = below(256)
    receive(putHeader(FrameType.ForwardErrorCorrection, (base + count - 1) & mask), head + symbolBytes)
  }

  const poll = (): void => {
    Leg.poll(leg, resources, state.nowMs, out)
    check()
    PacketBatch.reset(out)
  }

  const operations: ReadonlyArray<() => void> = [
    () => send("video", 1 + below(60)),
    () => send("audio", 1),
    feedback,
    feedback,
    media,
    block,
    block,
    repairs,
    // Mostly it goes on; now and then it jumps, also backwards, or the leg is idle for long.
    () => void (state.nowMs += pick([1.5, 5, 20, 20, 50, 50, 100, 100, 100, 100, -50, 500])),
    () => void (state.nowMs += draw() < 0.9 ? 100 : pick([3000, -5000, 40_000]))
  ]

  const check = (): void => {
    const { kind, receive, send } = leg
    const { nacks } = receive
    assert.isFalse(Number.isNaN(leg.deadlineMs))
    assert.isAtMost(send.packetsResent, send.packetsSent + kind.resendBudgetMax)
    assert.isTrue(nacks.missing >= 0 && nacks.missing <= kind.windowMax)
    assert.isAtMost(nacks.states.length, kind.windowMax)
    assert.isTrue(nacks.reorderWaitMs >= 0 && nacks.reorderWaitMs <= PlayoutBudget.blockMsMax)
    assert.isAtMost(receive.arrivals.arrivedAtMs.length, kind.arrivalsMax)
    assert.isAtMost(send.history.packets.length, kind.sentMax)
    assert.isAtMost(out.scratchUsed, scratchBytes)
    if (send.rate !== undefined) {
      const { targetBps } = send.rate.estimator
      assert.isTrue(targetBps >= kind.bandwidth.minBps && targetBps <= kind.bandwidth.maxBps, `${targetBps}`)
    }
    if (send.protection !== undefined) {
      const { control, encoder } = send.protection
      assert.isTrue(control.ratio >= 0 && control.ratio <= 0.5)
      if (encoder !== undefined) assert.isAtMost(encoder.count, FecFrame.dataPacketsMax)
    }
  }

  return { leg, state, operations, below, poll, feedback, send, resources, out, receive, putHeader, view }
}

const Case = Schema.Struct({
  seed: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff })),
  start: Schema.Literals([0, 0xfff0, 0x7fffff80, 0x7ff0])
})

const totalsMade = () => ({ recovered: 0, repairs: 0, resent: 0 })

const fire = (kind: Kind, { seed, start }: typeof Case.Type, totals = totalsMade()) => {
  const scene = make(kind, seed, start)
  for (let step = 0; step < 120; step++) {
    scene.operations[scene.below(scene.operations.length)]!()
    scene.poll()
  }
  // It is quiet some time after all of this, and has given everything back.
  for (let i = 0; i < 40; i++) {
    scene.state.nowMs += 1000
    scene.poll()
  }
  scene.state.nowMs = Math.max(scene.state.nowMs, 1e9)
  scene.poll()
  scene.poll()
  const { receive, send } = scene.leg
  totals.recovered += receive.packetsRecovered
  totals.repairs += send.repairsSent
  totals.resent += send.packetsResent
  assert.deepStrictEqual([receive.recovery, send.protection, send.rate], [undefined, undefined, undefined])
}

const hasHappened = (totals: ReturnType<typeof totalsMade>) => {
  for (const total of Object.values(totals)) assert.isAbove(total, 0)
}

describe("a leg under fire", () => {
  const device = totalsMade()
  it.prop(
    "of a device: nothing throws, memory and estimate are bounded, resends within their budget",
    [Case],
    ([given]) => fire("device", given, device),
    { arbitrary: { runs: 40 } }
  )

  it("of a device: all of it has happened", () => hasHappened(device))

  it("of a trunk: the same, from wherever its numbers start", () => {
    const trunk = totalsMade()
    const starts = [0, 0xfff0, 0x7fffff80, 0x7ff0] as const
    for (const [i, start] of starts.entries()) fire("trunk", { seed: 8 + i, start }, trunk)
    hasHappened(trunk)
  })

  it("of a million requests no more are answered than packets were sent", () => {
    const { leg, out, poll, putHeader, receive, resources, send, state, view } = make("device", 1, 0xff00)
    for (let burst = 0; burst < 4000; burst++) {
      state.nowMs += 5
      if (burst % 10 === 0) send("video", 5)
      const { report } = resources
      report.arrivalCount = 0
      report.keyFrameCount = 0
      report.requestCount = Feedback.requestsMax
      for (let i = 0; i < report.requestCount; i++) report.requests[i] = (leg.send.lastRepair - i) & 0xffff
      const length = Feedback.write(view, bodyAt, 1200, report, state.nowMs * 4)
      receive(putHeader(FrameType.Feedback, 0), length)
      assert.isAtMost(out.count, out.capacity)
      poll()
    }
    assert.isAbove(leg.send.packetsResent, 100)
    assert.isAtMost(leg.send.packetsResent, leg.send.packetsSent + LegKind.device.resendBudgetMax)
  })
})
