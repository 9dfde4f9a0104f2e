import * as SendLeg from "../media/SendLeg.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import type { PacketMemory } from "../sockets/PacketMemory.ts"
import type { RelayLeg } from "./RelayLeg.ts"

/**
 * A device's datagram on its way from the relay that has got it to the one that serves the device: the address that it
 * has come from, packed, and the datagram as it was. It travels on the trunk between the two, of no call.
 */

/** Of the packed address: port, then the 128 bits of the IP address. */
export const sourceBytes = PacketBatch.addressWords * 4

/** Puts the datagram into the batch. False when there is no room. */
export const write = (
  trunk: RelayLeg,
  memory: PacketMemory,
  addresses: Uint32Array,
  index: number,
  datagram: Uint8Array,
  nowMs: number,
  out: PacketBatch.SendBatch
): boolean => {
  const length = sourceBytes + datagram.length
  const offset = PacketBatch.reserve(out, length)
  if (offset < 0) return false
  for (let word = 0; word < PacketBatch.addressWords; word++) {
    memory.view.setUint32(offset + 4 * word, addresses[index * PacketBatch.addressWords + word]!)
  }
  memory.bytes.set(datagram, offset + sourceBytes)
  const { send } = trunk.hop
  const type = HopFrame.typeByte(HopFrame.FrameType.Handover, 0)
  SendLeg.writeFrame(send, send.legTag, type, 0, send.lastRepair, offset, length, nowMs, out)
  return true
}

/** Makes the frame at `index`, which is long enough, the datagram that is in it. */
export const unwrap = (batch: PacketBatch.PacketBatch, index: number, view: DataView, headerBytes: number): void => {
  const offset = batch.offsets[index]! + headerBytes
  for (let word = 0; word < PacketBatch.addressWords; word++) {
    batch.addresses[index * PacketBatch.addressWords + word] = view.getUint32(offset + 4 * word)
  }
  batch.offsets[index] = offset + sourceBytes
  batch.lengths[index]! -= headerBytes + sourceBytes
}
