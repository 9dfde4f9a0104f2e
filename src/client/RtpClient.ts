import { Effect, type Scope, Stream } from "effect"
import * as RtcpHeader from "../protocol/RtcpHeader.ts"
import * as RtpHeader from "../protocol/RtpHeader.ts"
import type { DatagramNetwork, PortNotOpened } from "../sockets/DatagramNetwork.ts"
import type { InvalidAddress } from "../sockets/PackedAddress.ts"
import type { SendBatch } from "../sockets/PacketBatch.ts"
import * as CallMember from "./CallMember.ts"
import type { JoinRefused, RelayUnreachable } from "./JoinFailure.ts"
import type { JoinOptions } from "./JoinOptions.ts"
import type { Session } from "./session/Session.ts"
import * as VideoSending from "./session/VideoSending.ts"
import type { ReceivedRtcp, ReceivedRtp } from "./streams/ReceivedRtp.ts"
import * as SendingStream from "./streams/SendingStream.ts"

export type { ReceivedRtcp, ReceivedRtp } from "./streams/ReceivedRtp.ts"
export type { OutgoingRtp } from "./streams/SendingStream.ts"

/**
 * A participant for an application that has an RTP stack of its own, or stands in front of one: RTP packets go in and come
 * out whole, byte for byte, and RTCP beside them. The hop is repaired as ever; order, gaps and key frames are left to the
 * application, whose jitter buffer should wait as long as repairs take, some 300 ms.
 */
export interface RtpClient extends CallMember.CallMember {
  /**
   * Sends RTP packets of the streams that were offered, found by their SSRC, at most 256 at once. What cannot be sent is
   * dropped and counted: `dropped` of the statistics.
   */
  readonly send: (packets: ReadonlyArray<SendingStream.OutgoingRtp>) => Effect.Effect<void>
  /**
   * The packets of all others, each once, as they come: a packet that was lost and has been repaired comes late. To be
   * consumed once, and all the time: who is slow loses the oldest. Ends with the client.
   */
  readonly packets: Stream.Stream<ReceivedRtp>
  /**
   * Sends RTCP, or SRTCP, to all others, as it is. The SSRC of its sender has to be of a stream that was offered. Lost and
   * repaired like any packet.
   */
  readonly sendRtcp: (packet: Uint8Array) => Effect.Effect<void>
  /** RTCP of the others, under the conditions of `packets`. */
  readonly rtcp: Stream.Stream<ReceivedRtcp>
}

/** Longest packet. Bytes; with a shared secret less what encryption adds. */
export const packetBytesMax = SendingStream.wholePacketBytesMax

/**
 * Joins a call. The client lives as long as the scope, whose end leaves the call. With a shared secret payloads are
 * encrypted and decrypted on their way, headers are not; without one everything goes untouched. The payload types of the
 * offers are not looked at: the packets have their own. An unusable stream or secret is a defect.
 */
export const join = (
  options: Omit<JoinOptions, "playoutDelayMs">
): Effect.Effect<
  RtpClient,
  JoinRefused | RelayUnreachable | PortNotOpened | InvalidAddress,
  DatagramNetwork | Scope.Scope
> => Effect.map(CallMember.join(options, "whole"), makeClient)

const makeClient = ({ core, device, member }: CallMember.Joined): RtpClient => {
  const { rings } = device.resources
  const { drops } = core

  const count = (outcome: SendingStream.Outcome) => {
    if (outcome !== "sent") drops[outcome]++
  }
  const streamOf = (ssrc: number) => {
    const sending = core.sending.find(({ stream }) => stream.ssrc === ssrc)
    if (sending === undefined) drops.undeclaredStream++
    return sending
  }
  const viewOf = ({ buffer, byteLength, byteOffset }: Uint8Array) => new DataView(buffer, byteOffset, byteLength)

  const sendRtp = (packet: SendingStream.OutgoingRtp, session: Session, out: SendBatch) => {
    const { bytes } = packet
    if (!RtpHeader.isRtp(bytes, 0, bytes.length)) return count("malformed")
    const sending = streamOf(RtpHeader.ssrcAt(viewOf(bytes), 0))
    if (sending === undefined) return
    if (VideoSending.isOff(core.videoSending, sending.stream.ssrc)) drops.unwanted++
    else {
      count(SendingStream.sendWhole(sending, packet, session.hop.send, rings, core.nowMs(), out))
    }
  }
  const sendRtcp = (bytes: Uint8Array, session: Session, out: SendBatch) => {
    if (!RtcpHeader.hasSender(bytes, 0, bytes.length)) return count("malformed")
    const sending = streamOf(RtcpHeader.senderSsrcAt(viewOf(bytes), 0))
    if (sending !== undefined) {
      count(SendingStream.sendRtcp(sending, bytes, session.hop.send, rings, core.nowMs(), out))
    }
  }
  const whileJoined = (fill: (session: Session, out: SendBatch) => void) =>
    device.sendMedia((out) => {
      const session = core.sessions[0]
      if (session !== undefined && !core.hasEnded) fill(session, out)
    })

  return {
    ...member,
    send: (packets) =>
      whileJoined((session, out) => {
        if (packets.length > out.capacity) {
          throw new RangeError(`${packets.length} packets at once are too many: send at most ${out.capacity}`)
        }
        for (const packet of packets) sendRtp(packet, session, out)
      }),
    packets: Stream.fromQueue(core.wholePackets),
    sendRtcp: (packet) => whileJoined((session, out) => sendRtcp(packet, session, out)),
    rtcp: Stream.fromQueue(core.rtcp)
  }
}
