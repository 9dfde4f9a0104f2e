import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import type { Participant, Place } from "./Participant.ts"
import * as Requests from "./Requests.ts"
import type { Wires } from "./Wire.ts"

/** The plain forwarder does not read the hop header. It is there so that all relays forward the same number of bytes. */
const type = HopFrame.typeByte(HopFrame.FrameType.Audio, 0)

export const open = async ({ call, relay }: Place, { inbox, open }: Wires): Promise<Participant> => {
  const wire = await open(relay)
  const requests = Requests.make(wire)
  /** Says where this participant belongs, until that has been taken in: it comes back. */
  const enter = async (name: string) => {
    const bytes = Buffer.from(name)
    await requests.ask(bytes, "call's name", (datagram) => bytes.equals(datagram))
  }
  const self: Participant = {
    sending: wire,
    address: wire.address,
    headerBytes: HopFrame.headerBytes,
    onPacket: () => {},
    join: () => enter(call),
    writeHeader: (view, offset) => HopFrame.writeHeader(view, offset, type, HopFrame.audioLevelUnknown, 0, 0, 0, 0),
    poll: () => {},
    leave: () => enter("")
  }
  wire.onDatagram = (offset, end, nowMs) => {
    if (end > offset && inbox.bytes[offset]! >= HopFrame.firstByteMin) {
      self.onPacket(offset + HopFrame.headerBytes, end, nowMs)
    } else requests.take(inbox.bytes.subarray(offset, end))
  }
  return self
}
