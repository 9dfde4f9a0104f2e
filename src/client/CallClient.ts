import { Effect, type Scope, Stream } from "effect"
import type { DatagramNetwork, PortNotOpened } from "../sockets/DatagramNetwork.ts"
import type { InvalidAddress } from "../sockets/PackedAddress.ts"
import type { SendBatch } from "../sockets/PacketBatch.ts"
import * as CallMember from "./CallMember.ts"
import type { JoinRefused, RelayUnreachable } from "./JoinFailure.ts"
import type { JoinOptions, LocalStream } from "./JoinOptions.ts"
import type { ReceivedPacket } from "./streams/ReceivedPacket.ts"
import * as VideoSending from "./session/VideoSending.ts"
import * as SendingStream from "./streams/SendingStream.ts"

export type { CallStatistics } from "./CallStatistics.ts"
export type { ConnectionEvent } from "./ConnectionEvent.ts"
export { JoinRefused, RelayUnreachable } from "./JoinFailure.ts"
export type { Place, SubscriptionEntry, Wanted } from "../protocol/SubscriptionAttribute.ts"
export type { QualityExtra } from "../protocol/QualityExtra.ts"
export type { StreamAllocation } from "../protocol/VideoAttribute.ts"
export type { JoinOptions, LocalStream, StreamOffer } from "./JoinOptions.ts"
export type { RosterEvent } from "./RosterEvent.ts"
export type { ReceivedPacket } from "./streams/ReceivedPacket.ts"
export type { OutgoingPacket } from "./streams/SendingStream.ts"

/** One participant in one call. It keeps the call over lost relays and changing networks by itself, until it has ended. */
export interface CallClient extends CallMember.CallMember {
  /** Sends a packet of one of the streams: numbered, encrypted, and sent again when the relay asks for it. */
  readonly send: (stream: LocalStream, packet: SendingStream.OutgoingPacket) => Effect.Effect<void>
  /** The same for several at once, a video frame. */
  readonly sendAll: (stream: LocalStream, packets: ReadonlyArray<SendingStream.OutgoingPacket>) => Effect.Effect<void>
  /**
   * The packets of all others, in order within each stream. To be consumed once, and all the time: who is slow loses the
   * oldest. Ends with the client.
   */
  readonly packets: Stream.Stream<ReceivedPacket>
}

/** Longest payload of a packet. Bytes. */
export const payloadBytesMax = SendingStream.payloadBytesMax

/**
 * Joins a call. The client lives as long as the scope, whose end leaves the call. An unusable stream or secret is a
 * defect; so is a payload longer than `payloadBytesMax`.
 */
export const join = (
  options: JoinOptions
): Effect.Effect<
  CallClient,
  JoinRefused | RelayUnreachable | PortNotOpened | InvalidAddress,
  DatagramNetwork | Scope.Scope
> => Effect.map(CallMember.join(options, "inOrder"), makeClient)

const makeClient = ({ core, device, member }: CallMember.Joined): CallClient => {
  const { rings } = device.resources

  const sendNow = (stream: SendingStream.SendingStream, packet: SendingStream.OutgoingPacket, out: SendBatch) => {
    const session = core.sessions[0]
    if (session !== undefined) SendingStream.send(stream, packet, session.hop.send, rings, core.nowMs(), out)
  }
  const sendAll: CallClient["sendAll"] = ({ ssrc }, packets) =>
    device.sendMedia((out) => {
      const sending = core.sending.find(({ stream }) => stream.ssrc === ssrc)
      if (sending === undefined) throw new RangeError(`SSRC ${ssrc} is not of a stream of this client`)
      if (packets.length > out.capacity) {
        throw new RangeError(`${packets.length} packets at once are too many: send at most ${out.capacity}`)
      }
      if (VideoSending.isOff(core.videoSending, ssrc)) {
        core.drops.unwanted += packets.length
        return
      }
      for (const packet of packets) if (!core.hasEnded) sendNow(sending, packet, out)
    })

  return {
    ...member,
    send: (stream, packet) => sendAll(stream, [packet]),
    sendAll,
    packets: Stream.fromQueue(core.packets)
  }
}
