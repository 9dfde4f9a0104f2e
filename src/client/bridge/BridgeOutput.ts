import { Effect, Result, Stream } from "effect"
import * as RtcpHeader from "../../protocol/RtcpHeader.ts"
import * as RtcpPacket from "../../protocol/RtcpPacket.ts"
import type { ReceivedRtp } from "../RtpClient.ts"
import type { BridgeSetting } from "./BridgeSetting.ts"
import type { LocalDatagram, LocalPort, LocalPortDrops } from "./LocalPort.ts"
import * as LocalPortPair from "./LocalPortPair.ts"
import * as LocalSink from "./LocalSink.ts"
import type { PlayerReport } from "./PlayerReports.ts"

/** One stream of another participant to a local program, the player: ports, and the RTCP between bridge and player. */
export interface BridgeOutput {
  readonly participant: ReceivedRtp["participant"]
  readonly stream: ReceivedRtp["stream"]
  /** Of its first packet. */
  readonly payloadType: number
  /** Where packets come from, and RTCP of the player goes to. */
  readonly ports: LocalPortPair.LocalPortPair
  readonly player: LocalPortPair.PortNumbers
  readonly sink: LocalSink.LocalSink
  /** Datagrams of the player that are not RTCP, or encrypted: they can say nothing to the bridge. */
  malformed: number
  /** Packets that were sent again because the player asked. */
  packetsResent: number
  keyFrameRequests: number
  /** When its sender, who has left, is forgotten; Infinity: who is still there. Milliseconds. */
  endsAtMs: number
}

export interface Options {
  readonly first: ReceivedRtp
  readonly payloadType: number
  readonly player: LocalPortPair.PortNumbers
  /** Opened already. */
  readonly ports: LocalPortPair.LocalPortPair
}

export const make = ({ first, payloadType, player, ports }: Options): BridgeOutput => {
  const { participant, stream } = first
  const { clockRate, ssrc } = stream
  return {
    participant,
    stream,
    payloadType,
    ports,
    player,
    sink: LocalSink.make({ ssrc, clockRate, cname: participant }),
    malformed: 0,
    packetsResent: 0,
    keyFrameRequests: 0,
    endsAtMs: Infinity
  }
}

/** Of this moment, and not changed any more. */
export interface OutputStatistics {
  readonly participant: ReceivedRtp["participant"]
  readonly stream: ReceivedRtp["stream"]
  readonly payloadType: number
  readonly player: LocalPortPair.PortNumbers
  readonly bridge: LocalPortPair.PortNumbers
  /** That went to the player, without those that went again. */
  readonly packets: number
  readonly packetsResent: number
  readonly keyFrameRequests: number
  /** What the player has said last. */
  readonly playerReport: PlayerReport | undefined
  readonly dropped: { readonly malformed: number; readonly rtpPort: LocalPortDrops; readonly rtcpPort: LocalPortDrops }
}

export const statistics = (self: BridgeOutput): OutputStatistics => ({
  participant: self.participant,
  stream: self.stream,
  payloadType: self.payloadType,
  player: self.player,
  bridge: LocalPortPair.portNumbers(self.ports),
  packets: self.sink.packets,
  packetsResent: self.packetsResent,
  keyFrameRequests: self.keyFrameRequests,
  playerReport: self.sink.reports.newest,
  dropped: { malformed: self.malformed, rtpPort: self.ports.rtp.drops(), rtcpPort: self.ports.rtcp.drops() }
})

/** Sends packets of the stream to the player. */
export const send = (self: BridgeOutput, setting: BridgeSetting, packets: ReadonlyArray<Uint8Array>) =>
  Effect.suspend(() => {
    const nowMs = setting.nowMs()
    for (const packet of packets) LocalSink.handlePacket(self.sink, packet, nowMs)
    return self.ports.rtp.send(packets, addressOf(self, self.player.rtpPort))
  })

/** Takes in what the sender says of its stream, from end to end. */
export const handleEndToEndRtcp = (self: BridgeOutput, setting: BridgeSetting, bytes: Uint8Array) =>
  Effect.suspend(() => {
    if (setting.srtcp) return sendRtcp(self, bytes)
    const decoded = RtcpPacket.decode(bytes)
    if (Result.isSuccess(decoded)) LocalSink.handleEndToEndRtcp(self.sink, decoded.success, setting.nowMs())
    return poll(self, setting)
  })

/** Takes in what the player says, until the ports are closed. */
export const run = (
  self: BridgeOutput,
  setting: BridgeSetting,
  onRtcp: (packets: ReadonlyArray<RtcpPacket.RtcpPacket>) => Effect.Effect<void>
): Effect.Effect<void> => {
  const take = ({ bytes }: LocalDatagram) => {
    const isRtcp = !setting.srtcp && RtcpHeader.isRtcp(bytes, 0, bytes.length)
    const decoded = isRtcp ? RtcpPacket.decode(bytes) : undefined
    if (decoded !== undefined && Result.isSuccess(decoded)) return onRtcp(decoded.success)
    self.malformed++
    return Effect.void
  }
  const takeFrom = (port: LocalPort) =>
    Stream.runForEach(port.batches, (datagrams) => Effect.forEach(datagrams, take, { discard: true }))
  return Effect.all([takeFrom(self.ports.rtp), takeFrom(self.ports.rtcp)], { concurrency: 2, discard: true })
}

/** Takes in what a program of this host says of the streams that it receives, on whatever port. */
export const handleRtcp = (
  self: BridgeOutput,
  setting: BridgeSetting,
  packets: ReadonlyArray<RtcpPacket.RtcpPacket>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { needsKeyFrame, resend } = LocalSink.handleRtcp(self.sink, packets, setting.nowMs())
    self.packetsResent += resend.length
    if (needsKeyFrame) self.keyFrameRequests++
    return Effect.andThen(
      needsKeyFrame ? setting.client.requestKeyFrame(self.stream.ssrc) : Effect.void,
      self.ports.rtp.send(resend, addressOf(self, self.player.rtpPort))
    )
  })

/** Sends the player the RTCP that is due. */
export const poll = (self: BridgeOutput, setting: BridgeSetting): Effect.Effect<void> =>
  Effect.suspend(() => {
    const nowMs = setting.nowMs()
    if (setting.srtcp || nowMs < LocalSink.nextDeadlineMs(self.sink)) return Effect.void
    return sendRtcp(self, LocalSink.poll(self.sink, nowMs, setting.unixMs()))
  })

/** The player's goodbye. */
export const leave = (self: BridgeOutput, setting: BridgeSetting): Effect.Effect<void> =>
  Effect.suspend(() =>
    setting.srtcp ? Effect.void : sendRtcp(self, LocalSink.leave(self.sink, setting.nowMs(), setting.unixMs()))
  )

const sendRtcp = ({ player, ports }: BridgeOutput, bytes: Uint8Array | undefined): Effect.Effect<void> =>
  bytes === undefined ? Effect.void : ports.rtcp.send([bytes], withPort(ports.rtcp.address, player.rtcpPort))

const addressOf = ({ ports }: BridgeOutput, port: number): Uint32Array => withPort(ports.rtp.address, port)

/** The player is on the bridge's host. */
const withPort = (address: Uint32Array, port: number): Uint32Array => {
  const words = address.slice()
  words[0] = port
  return words
}
