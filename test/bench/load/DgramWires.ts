import { Result } from "effect"
import * as Dgram from "node:dgram"
import { once } from "node:events"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import { makeInbox, slotBytes, type Train, type Wire, type Wires } from "./Wire.ts"

/** Asked for; the kernel's default overflows within a burst. Bytes. */
const kernelBufferBytes = 1 << 20

/** Node's own sockets: for participants who hardly send, and where there are no others. */
export const make = (reason: string): Wires => {
  const inbox = makeInbox(1)
  const sockets = new Set<Dgram.Socket>()

  const open: Wires["open"] = async (to) => {
    const socket = Dgram.createSocket("udp4")
    sockets.add(socket)
    // A relay that is gone: what does not come is counted, and who does not answer is named.
    socket.on("error", () => {})
    socket.bind(0, "127.0.0.1")
    await once(socket, "listening")
    socket.setRecvBufferSize(kernelBufferBytes)
    socket.setSendBufferSize(kernelBufferBytes)
    if (to !== undefined) {
      socket.connect(to.port, to.host)
      await once(socket, "connect")
    }
    const { address, port } = socket.address()
    const wire: Wire = {
      address: Result.getOrThrow(PackedAddress.fromHost(address, port)),
      onDatagram: () => {},
      // Node may send it later.
      send: (datagram) => socket.send(Buffer.copyBytesFrom(datagram)),
      prepare: (packetBytes, packetsMax) => prepare(wire, packetBytes, packetsMax)
    }
    socket.on("message", (datagram) => {
      inbox.bytes.set(datagram.subarray(0, slotBytes))
      wire.onDatagram(0, Math.min(datagram.length, slotBytes), performance.now())
    })
    return wire
  }
  const closeAll = (): void => {
    for (const socket of sockets) socket.close()
    sockets.clear()
  }
  return { inbox, open, poll: () => {}, dropped: () => undefined, closeAll, notBatched: reason }
}

const prepare = (wire: Wire, packetBytes: number, packetsMax: number): Train => {
  const bytes = new Uint8Array(packetBytes * packetsMax)
  const packets = Array.from({ length: packetsMax }, (_, i) => bytes.subarray(i * packetBytes, (i + 1) * packetBytes))
  return {
    packetBytes,
    bytes,
    view: new DataView(bytes.buffer),
    send: (count) => {
      for (let i = 0; i < count; i++) wire.send(packets[i]!)
    }
  }
}
