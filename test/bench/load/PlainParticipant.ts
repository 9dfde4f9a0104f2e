import type * as Dgram from "node:dgram"
import { once } from "node:events"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import type { Participant, Place } from "./Participant.ts"

/** The plain forwarder does not read the hop header. It is there so that all relays forward the same number of bytes. */
const type = HopFrame.typeByte(HopFrame.FrameType.Audio, 0)

export const make = ({ call }: Place, socket: Dgram.Socket): Participant => {
  /** Says where this participant belongs, and waits until that has been taken in. */
  const enter = async (name: string) => {
    const answered = once(socket, "message")
    socket.send(name)
    await answered
  }
  return {
    socket,
    join: () => enter(call),
    writeHeader: (view) => HopFrame.writeHeader(view, 0, type, HopFrame.audioLevelUnknown, 0, 0, 0, 0),
    packetOffset: (datagram) =>
      datagram.length > 0 && datagram[0]! >= HopFrame.firstByteMin ? HopFrame.headerBytes : -1,
    poll: () => {},
    leave: () => enter("")
  }
}
