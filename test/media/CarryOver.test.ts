import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as CarryOver from "../../src/media/CarryOver.ts"
import * as PacketRing from "../../src/media/PacketRing.ts"
import * as PacketRings from "../../src/media/PacketRings.ts"
import * as Protection from "../../src/media/Protection.ts"
import * as ReportedLoss from "../../src/media/ReportedLoss.ts"
import * as SendLeg from "../../src/media/SendLeg.ts"
import * as StreamClock from "../../src/media/StreamClock.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"
import * as PacedLeg from "./PacedLeg.ts"

const scratchBytes = 4096
const ringBytes = 1 << 18
const everyMs = 20

/** A leg that sends a packet every 20 ms; and another, on which nothing has been sent. */
const scene = () => {
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: scratchBytes + 2 * ringBytes })
  const rings = PacketRings.make(memory, memory.ownerOffset + scratchBytes, {
    audioBytes: ringBytes,
    videoBytes: ringBytes
  })
  const out = PacketBatch.makeSendBatch({ capacity: 4096, scratchOffset: memory.ownerOffset, scratchBytes })
  const address = new Uint32Array(PacketBatch.addressWords)
  const legOf = (legTag: number) => SendLeg.make({ legTag, epoch: legTag, address })
  const clock = StreamClock.make("audio", 48_000)
  const type = HopFrame.typeByte(HopFrame.FrameType.Audio, 0)
  const [old, next] = [legOf(1), legOf(2)]
  const send = (number: number) => {
    const nowMs = number * everyMs
    StreamClock.handlePacket(clock, number * 960, nowMs)
    const bytes = new Uint8Array(50)
    new DataView(bytes.buffer).setUint32(0, number)
    const packet = PacketRing.storeBytes(rings.audio, bytes, number * 960, clock, nowMs)
    SendLeg.sendPacketOn(old, old.legTag, rings.audio, packet, type, number & 0x7f, nowMs, out)
    PacketBatch.reset(out)
  }
  const carryOver = (sinceMs: number, nowMs: number) => {
    CarryOver.carryOver(next, old, rings, sinceMs, nowMs, out)
    return Array.from({ length: out.count }, (_, place) => {
      const bytes = new Uint8Array(PacketBatch.packetBytes(out, place))
      PacketBatch.join(out, place, memory, bytes, 0)
      const view = new DataView(bytes.buffer)
      return {
        number: view.getUint32(HopFrame.headerBytes),
        tag: HopFrame.legTagAt(view, 0),
        epoch: HopFrame.epochAt(bytes, 0),
        repairSequence: HopFrame.repairSequenceAt(view, 0),
        descriptor: HopFrame.descriptorAt(bytes, 0)
      }
    })
  }
  return { old, send, carryOver }
}

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("CarryOver", () => {
  it.prop(
    "sends what another leg has sent since then, in order, as packets of this leg",
    [between(1, 200), between(0, 60), between(0, 0xffff)],
    ([sent, silent, firstSequence]) => {
      const { carryOver, old, send } = scene()
      old.lastRepair = firstSequence
      old.history.highest = firstSequence
      for (let number = 1; number <= sent; number++) send(number)
      const since = Math.max(1, sent - silent + 1)
      const frames = carryOver(since * everyMs, sent * everyMs + 10)
      assert.deepStrictEqual(
        frames.map(({ number }) => number),
        Array.from({ length: sent - since + 1 }, (_, index) => since + index)
      )
      for (const [index, frame] of frames.entries()) {
        assert.deepStrictEqual([frame.tag, frame.epoch, frame.repairSequence], [2, 2, index])
        assert.strictEqual(frame.descriptor, frame.number & 0x7f)
      }
    }
  )

  it("what is sent again is counted and protected like the rest", () => {
    const paced = PacedLeg.make(10_000_000)
    for (let number = 0; number < 5; number++) paced.send("video", number, 1100)
    const next = paced.moveOn(Infinity)
    paced.send("video", 5, 1100)
    const loss = { ...ReportedLoss.make(), packets: 1, reportedLossRatio: 0.1, meanBurst: 1 }
    Protection.handleReport(next, paced.resources, loss, 200, 0)
    CarryOver.carryOver(next, paced.leg, paced.rings, 0, 0, PacketBatch.makeSendBatch(paced.batch))
    const { encoder, mediaPackets } = next.protection!
    assert.deepStrictEqual([mediaPackets, encoder!.count], [5, 5])
  })

  it("sends nothing where nothing was sent", () => {
    assert.deepStrictEqual(scene().carryOver(0, 0), [])
  })

  it.prop(
    "takes the video that waits with it: each packet leaves once more or for the first time, in order, and none on both legs",
    [between(1, 120), between(0, 400)],
    ([packets, silentMs]) => {
      const paced = PacedLeg.make(300_000)
      for (let number = 0; number < packets; number++) paced.send("video", number, 1100)
      paced.pass(silentMs)
      const numbersOn = (tag: number) =>
        paced.left
          .filter((frame) => frame.tag === tag && frame.type === HopFrame.FrameType.Video)
          .map(({ number }) => number)
      const sent = numbersOn(1)
      paced.moveOn(0)
      paced.pass(700)
      assert.deepStrictEqual(numbersOn(1), sent, "nothing more is sent to whom nobody hears")
      assert.deepStrictEqual(
        numbersOn(2),
        Array.from({ length: packets }, (_, number) => number)
      )
      assert.strictEqual(paced.leg.rate!.queue.count, 0)
    },
    { arbitrary: { runs: 20 } }
  )

  it("leaves behind what has waited for longer than half a second, and lets the receiver find out", () => {
    const paced = PacedLeg.make(300_000)
    for (let number = 0; number < 60; number++) paced.send("video", number, 1100)
    const sent = paced.left.length
    paced.state.nowMs += 600
    paced.send("video", 60, 1100)
    const next = paced.moveOn(Infinity)
    paced.pass(1000)
    const carried = paced.left.filter(({ tag, type }) => tag === 2 && type === HopFrame.FrameType.Video)
    assert.deepStrictEqual(
      carried.map(({ hasHole, number }) => ({ hasHole, number })),
      [{ hasHole: false, number: 60 }]
    )
    assert.strictEqual(paced.leg.packetsWithheld, 60 - sent)
    assert.strictEqual(next.packetsWithheld, 0)
  })
})
