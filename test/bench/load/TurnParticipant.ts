import { Result } from "effect"
import { join as joinBytes, u16, u32 } from "../../../src/protocol/ByteFields.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as Stun from "../../../src/protocol/Stun.ts"
import * as StunAddress from "../../../src/protocol/StunAddress.ts"
import type { Participant, Place } from "./Participant.ts"
import * as Requests from "./Requests.ts"
import type { Wires } from "./Wire.ts"

/**
 * TURN, RFC 8656, without credentials. A device sends through its allocation, on a channel to the other one's plain
 * socket, and hears the other one's allocation on a plain socket of its own: so every packet passes the relay once, as it
 * does everywhere else. Lifetimes are longer than a run, so nothing is refreshed.
 */

/** RFC 8656 section 17. */
const methods = { Allocate: 3, Refresh: 4, ChannelBind: 9 } as const
/** RFC 8656 section 18. */
const channelNumber = 0x000c
const lifetime = 0x000d
const xorPeerAddress = 0x0012
const xorRelayedAddress = 0x0016
const requestedTransport = 0x0019
/** RFC 8489 section 14.8. */
const errorCode = 0x0009
/** IANA's number of the protocol, in the first of four bytes. RFC 8656 section 18.7. */
const udp = u32(17 << 24)

/** The first that there is, RFC 8656 section 12. Each allocation has one. */
const channel = 0x4000
/** Channel and length. RFC 8656 section 12.4. */
const channelDataHeaderBytes = 4

/** No TURN server reads the hop header. It is there so that all relays forward the same number of bytes. */
const type = HopFrame.typeByte(HopFrame.FrameType.Audio, 0)

type Attribute = readonly [type: number, value: Uint8Array]

let transactions = 0

/** The error's number and its text, RFC 8489 section 14.8. */
const reasonOf = (datagram: Uint8Array, { attributes }: Stun.StunMessage): string => {
  const error = attributes.find(({ type }) => type === errorCode)
  if (error === undefined) return "an error without reason"
  const value = datagram.subarray(error.offset, error.offset + error.length)
  return `${value[2]! * 100 + value[3]!} ${Buffer.from(value.subarray(4)).toString()}`.trimEnd()
}

export const open = async ({ callSize, relay }: Place, { inbox, open }: Wires): Promise<Participant> => {
  if (callSize !== 2) throw new Error("coturn carries calls of two only")
  const client = await open(relay)
  const plain = await open(undefined)
  const requests = Requests.make(client)

  /** Asks for it, and fails when it is not granted. */
  const ask = async (
    method: keyof typeof methods,
    attributesOf: (transactionId: Uint8Array) => ReadonlyArray<Attribute>
  ): Promise<Stun.StunMessage> => {
    const transactionId = joinBytes(u32(process.pid), u32(0), u32(++transactions))
    const header = Stun.encodeHeader({ class: "request", method: methods[method], transactionId })
    const request = attributesOf(transactionId).reduce(
      (message, [type, value]) => Stun.appendAttribute(message, type, value),
      header
    )
    const answer = await requests.ask(request, `TURN ${method} request`, (datagram) => {
      const decoded = Stun.decode(datagram)
      return Result.isSuccess(decoded) && Buffer.compare(decoded.success.transactionId, transactionId) === 0
    })
    const message = Result.getOrThrow(Stun.decode(answer))
    if (message.class !== "success") throw new Error(`the relay refuses a TURN ${method}: ${reasonOf(answer, message)}`)
    return message
  }

  const self: Participant = {
    sending: client,
    address: plain.address,
    headerBytes: channelDataHeaderBytes + HopFrame.headerBytes,
    onPacket: () => {},
    join: async ([other]) => {
      const { attributes } = await ask("Allocate", () => [[requestedTransport, udp]])
      if (!attributes.some(({ type }) => type === xorRelayedAddress)) {
        throw new Error("the relay has made a TURN allocation without an address")
      }
      if (other === undefined) return
      await ask("ChannelBind", (transactionId) => [
        [channelNumber, joinBytes(u16(channel), u16(0))],
        [xorPeerAddress, StunAddress.encode(other.address, transactionId)]
      ])
    },
    // No padding at the end: over UDP it may be left out, RFC 8656 section 12.5.
    writeHeader: (view, offset, packetBytes) => {
      view.setUint16(offset, channel)
      view.setUint16(offset + 2, HopFrame.headerBytes + packetBytes)
      HopFrame.writeHeader(view, offset + channelDataHeaderBytes, type, HopFrame.audioLevelUnknown, 0, 0, 0, 0)
    },
    poll: () => {},
    leave: async () => void (await ask("Refresh", () => [[lifetime, u32(0)]]))
  }
  client.onDatagram = (offset, end) => requests.take(inbox.bytes.slice(offset, end))
  plain.onDatagram = (offset, end, nowMs) => self.onPacket(offset + HopFrame.headerBytes, end, nowMs)
  return self
}
