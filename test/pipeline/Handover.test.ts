import { assert, describe, it } from "@effect/vitest"
import * as Handover from "../../src/pipeline/Handover.ts"
import * as LegTable from "../../src/pipeline/LegTable.ts"
import * as RelayLeg from "../../src/pipeline/RelayLeg.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"
import * as Relay from "./RelayHarness.ts"

const trunkTag = 0x77777777
const scratchBytes = 16 * 1024

/** A relay with two devices and a trunk, and the relay at the other end, which hands over. */
const make = () => {
  const relay = Relay.make(2)
  const options = { sendTag: trunkTag, epoch: 9, repair: true }
  const here = RelayLeg.makeTrunk({ ...options, receiveTag: trunkTag, address: Relay.addressOf(50) })
  LegTable.add(relay.forwarding.legs, here)
  const there = RelayLeg.makeTrunk({ ...options, receiveTag: 1, address: Relay.addressOf(51) })
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: scratchBytes })
  const out = PacketBatch.makeSendBatch({ capacity: 8, scratchOffset: memory.ownerOffset, scratchBytes })

  const handOver = ({ bytes, from }: { readonly from: Uint32Array; readonly bytes: Uint8Array }) => {
    assert.isTrue(Handover.write(there, memory, from, 0, bytes, 0, out))
    const frame = new Uint8Array(PacketBatch.packetBytes(out, 0))
    PacketBatch.join(out, 0, memory, frame, 0)
    PacketBatch.reset(out)
    return { from: Relay.addressOf(50), bytes: frame }
  }
  const dropped = () => {
    const counts = Object.entries(relay.forwarding.counters.dropped).filter(([, count]) => count > 0)
    return Object.fromEntries(counts)
  }
  return { relay, handOver, dropped }
}

describe("Handover", () => {
  it("a frame that another relay has got is taken as if it had come here", () => {
    const { dropped, handOver, relay } = make()
    const frame = Relay.frame({ from: 0, repair: 0, payload: Uint8Array.of(1, 2, 3) })
    const sent = relay.receive(0, handOver(frame))
    assert.deepStrictEqual(
      sent.map(({ to }) => to),
      [1]
    )
    assert.deepStrictEqual(sent[0]!.bytes.slice(HopFrame.headerBytes), frame.bytes.slice(HopFrame.headerBytes))
    assert.strictEqual(relay.forwarding.counters.handoversIn, 1)
    assert.deepStrictEqual(dropped(), {})
    relay.receive(1, frame)
    assert.deepStrictEqual(dropped(), { duplicate: 1 }, "it has been here")
  })

  it("only with the tag and the address of a device's leg", () => {
    const { dropped, handOver, relay } = make()
    const frame = Relay.frame({ from: 0, repair: 0 })
    const sent = relay.receive(
      0,
      handOver({ ...frame, from: Relay.addressOf(9) }),
      handOver(Relay.frame({ from: 0, repair: 0, tag: 4711 })),
      // On the trunk itself, out of a frame on it.
      handOver(handOver(frame)),
      handOver({ ...frame, bytes: frame.bytes.slice(0, 4) }),
      handOver({ ...frame, bytes: Uint8Array.of(0x80, 0) }),
      handOver({ ...frame, bytes: new Uint8Array(0) })
    )
    assert.deepStrictEqual(sent, [])
    assert.deepStrictEqual(dropped(), {
      wrongAddress: 1,
      unknownLegTag: 1,
      unsupportedType: 1,
      tooShort: 1,
      notOurs: 2
    })
    const { handedOver, strays, strayCount } = relay.forwarding
    assert.deepStrictEqual(Array.from(strays.subarray(0, strayCount)), [1])
    assert.strictEqual(handedOver[1], 1, "is not handed on")
  })

  it("a device cannot hand over, nor a trunk's frame be handed over twice", () => {
    const { dropped, handOver, relay } = make()
    const frame = handOver(Relay.frame({ from: 0, repair: 0 }))
    const own = Relay.frame({ from: 0, repair: 0, type: HopFrame.FrameType.Handover })
    assert.strictEqual(relay.receive(0, own).length, 0)
    assert.deepStrictEqual(dropped(), { unsupportedType: 1 })
    assert.strictEqual(relay.receive(0, frame).length, 1)
    assert.strictEqual(relay.receive(1, frame).length, 0)
    assert.deepStrictEqual(dropped(), { unsupportedType: 1, duplicate: 1 })
    const short = { ...frame, bytes: frame.bytes.slice(0, HopFrame.trunkHeaderBytes + Handover.sourceBytes - 1) }
    assert.strictEqual(relay.receive(1, short).length, 0)
    assert.deepStrictEqual(dropped(), { unsupportedType: 1, duplicate: 1, tooShort: 1 })
  })

  it("a control message goes to the control plane, with the address that it has come from", () => {
    const { handOver, relay } = make()
    relay.receive(
      0,
      Relay.frame({ from: 1, repair: 0 }),
      handOver({ from: Relay.addressOf(9), bytes: Uint8Array.of(0, 1) })
    )
    const { control, controlCount, handedOver } = relay.forwarding
    assert.deepStrictEqual(Array.from(control.subarray(0, controlCount)), [1])
    assert.deepStrictEqual(Array.from(handedOver.subarray(0, 2)), [0, 1])
  })
})
