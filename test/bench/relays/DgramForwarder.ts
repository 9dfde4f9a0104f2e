import * as Dgram from "node:dgram"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"

/**
 * The least that Node has to do for a packet that comes in on a UDP port and goes out on it again, to one or several
 * others: what Tandem is measured beside. No header is read, nothing is kept, nothing is repaired.
 *
 * A datagram that is no hop frame is the name of a call, which is sent back: whoever has given the same name is in it.
 * The empty name leaves.
 */

/** What it tells who has started it: once when it is ready, and whenever it is asked. */
export interface Answer {
  readonly port: number
  /** Since the start. */
  readonly packetsOut: number
  readonly participants: number
}

/** Asked for; the kernel's default overflows within a burst. Bytes. */
const kernelBufferBytes = 4 * 1024 * 1024

const host = "127.0.0.1"
/** All load comes from one host, so that a port says who it is: less to look up than a relay has. */
const callOf = new Map<number, string>()
const peers = new Map<number, ReadonlyArray<number>>()
let packetsOut = 0

/** Everybody's peers anew: this happens between measurements. */
const place = (port: number, call: string): void => {
  callOf.delete(port)
  if (call !== "") callOf.set(port, call)
  peers.clear()
  for (const [port, call] of callOf) {
    const isPeer = ([other, otherCall]: readonly [number, string]) => otherCall === call && other !== port
    peers.set(
      port,
      [...callOf].filter(isPeer).map(([other]) => other)
    )
  }
}

// Without a lookup of its own, dgram asks its resolver about the address of every single packet.
const socket = Dgram.createSocket({ type: "udp4", lookup: (name, _options, found) => found(null, name, 4) })
const tell = (): void => {
  const answer: Answer = { port: socket.address().port, packetsOut, participants: callOf.size }
  process.send!(answer)
}
socket.on("message", (datagram, { port }) => {
  if (datagram.length === 0 || datagram[0]! < HopFrame.firstByteMin) {
    place(port, datagram.toString())
    socket.send(datagram, port, host)
    return
  }
  const targets = peers.get(port)
  if (targets === undefined) return
  for (let i = 0; i < targets.length; i++) socket.send(datagram, targets[i]!, host)
  packetsOut += targets.length
})
socket.bind(0, host, () => {
  socket.setRecvBufferSize(kernelBufferBytes)
  socket.setSendBufferSize(kernelBufferBytes)
  tell()
})
process.on("message", tell)
process.on("disconnect", () => process.exit(0))
