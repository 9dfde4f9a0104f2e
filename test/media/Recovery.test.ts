import { assert, describe, it } from "@effect/vitest"
import * as Leg from "../../src/media/Leg.ts"
import * as PacketRings from "../../src/media/PacketRings.ts"
import * as Recovery from "../../src/media/Recovery.ts"
import * as FecFrame from "../../src/protocol/FecFrame.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

const ringBytes = 1 << 16

/** A leg that receives repair packets of blocks of one packet: each gives back what it is a copy of. */
const make = (scratchBytes = 1 << 16) => {
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: scratchBytes + 2 * ringBytes })
  const { bytes, ownerOffset, view } = memory
  const rings = PacketRings.make(memory, ownerOffset + scratchBytes, { audioBytes: ringBytes, videoBytes: ringBytes })
  const resources = Leg.makeResources(rings)
  const out = PacketBatch.makeSendBatch({ capacity: 64, scratchOffset: ownerOffset, scratchBytes })
  const address = new Uint32Array(PacketBatch.addressWords)
  const leg = Leg.make({ receiveTag: 1, sendTag: 2, epoch: 0, address, repair: true })
  /** How many packets come back. */
  const repair = (sequence: number, nowMs: number, lengthBytes = 100): number => {
    const head = FecFrame.writeHead(view, 0, sequence, 1, 1, 0)
    view.setUint16(head, lengthBytes)
    bytes[head + 2] = HopFrame.typeByte(HopFrame.FrameType.Video, 0)
    bytes.fill(7, head + 4, head + 4 + lengthBytes)
    return Recovery.handleRepair(leg.receive, resources, 0, head + 4 + lengthBytes, nowMs, out)
  }
  return { leg, out, repair, resources }
}

describe("Recovery", () => {
  it("a malformed repair frame does not begin it", () => {
    const { leg, out, resources } = make()
    assert.strictEqual(Recovery.handleRepair(leg.receive, resources, 0, 3, 0, out), -1)
    assert.isUndefined(leg.receive.recovery)
  })

  it("lasts for 10 s after the last repair frame", () => {
    const { leg, out, repair, resources } = make()
    repair(1, 0)
    repair(2, 1000)
    Leg.poll(leg, resources, 1000 + Recovery.releaseAfterMs - 1, out)
    assert.isDefined(leg.receive.recovery)
    Leg.poll(leg, resources, 1000 + Recovery.releaseAfterMs, out)
    assert.isUndefined(leg.receive.recovery)
  })

  it("leaves room for a report in the batch", () => {
    const { out, repair, resources } = make(Feedback.frameBytesMax + 500)
    const counts = [1, 2, 3, 4, 5, 6].map((sequence) => repair(sequence, 0, 200))
    assert.isAbove(counts[0]! + counts[1]!, 0)
    assert.strictEqual(counts.at(-1), 0)
    assert.isAbove(resources.repairWork.undone.batchFull, 0)
    assert.isAtLeast(PacketBatch.reserve(out, Feedback.frameBytesMax), 0)
  })
})
