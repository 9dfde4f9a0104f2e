import * as NackGenerator from "../../src/media/NackGenerator.ts"
import * as ReceiveLeg from "../../src/media/ReceiveLeg.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as SequenceNumber from "../../src/protocol/SequenceNumber.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as ControlTarget from "./bytes/ControlTarget.ts"
import * as LegTarget from "./operations/LegTarget.ts"

/**
 * Mistakes that are made on purpose, and that the fuzzers have to find: who does not see these sees nothing. The targets are
 * the real ones, with one part replaced.
 */

/** Adds up padding in 16 bits, so that attributes of 65,533 bytes and more seem to have none. */
const decodeWithShortPadding: typeof ControlMessage.decode = (bytes) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isMessage = bytes.length >= Stun.headerBytes && view.getUint16(2) === bytes.length - Stun.headerBytes
  if (!isMessage) return ControlMessage.decode(bytes)
  for (let at: number = Stun.headerBytes; at + Stun.attributeHeaderBytes <= bytes.length;) {
    const length = view.getUint16(at + 2)
    const next = at + Stun.attributeHeaderBytes + ((length + 3) & 0xfffc)
    if (next > bytes.length) break
    // As a reader of the value would.
    if (at + Stun.attributeHeaderBytes + length > bytes.length)
      throw new RangeError("the value ends behind the message")
    at = next
  }
  return ControlMessage.decode(bytes)
}

export const bytes = ControlTarget.make("canary-bytes", decodeWithShortPadding)

/** Numbers before the wrap that are not remembered behind it. */
const forgotten = 4

/** Takes packets from just before the wrap of the sequence numbers for new when they come again just behind it. */
const receiveWithoutWrap: typeof ReceiveLeg.handleFrame = (leg, memory, view, offset, nowMs) => {
  const verdict = ReceiveLeg.handleFrame(leg, memory, view, offset, nowMs)
  const isBefore = HopFrame.repairSequenceAt(view, offset) > SequenceNumber.mask - forgotten
  const isBehind = leg.nacks.highest < NackGenerator.gapMax
  const isMedia = HopFrame.isMedia(HopFrame.typeAt(memory, offset))
  return verdict === ReceiveLeg.Verdict.Duplicate && isMedia && isBefore && isBehind
    ? ReceiveLeg.Verdict.Fresh
    : verdict
}

export const operations = LegTarget.make("canary-operations", receiveWithoutWrap)
