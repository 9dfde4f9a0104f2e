import { Effect, Result, Stream } from "effect"
import * as RtcpHeader from "../../protocol/RtcpHeader.ts"
import * as RtcpPacket from "../../protocol/RtcpPacket.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import type { LocalStream } from "../JoinOptions.ts"
import type { OutgoingRtp } from "../RtpClient.ts"
import type { BridgeSetting } from "./BridgeSetting.ts"
import type { LocalDatagram, LocalPort, LocalPortDrops } from "./LocalPort.ts"
import * as LocalPortPair from "./LocalPortPair.ts"
import * as LocalSource from "./LocalSource.ts"

/** One stream from a local program into the call: its ports, and the RTCP that the program hears. */
export interface BridgeInput {
  readonly stream: LocalStream
  readonly ports: LocalPortPair.LocalPortPair
  readonly source: LocalSource.LocalSource
  readonly drops: InputDrops
  /** That went into the call. */
  packets: number
  /** The first that came instead of the stream's. */
  otherSsrc: number | undefined
  /** Where the program wants its RTCP: where its own last came from, RFC 4961. Nothing is sent before. */
  rtcpTo: { readonly port: LocalPort; readonly address: Uint32Array } | undefined
}

/** Datagrams of the program that went no further. */
export interface InputDrops {
  /** Neither RTP nor RTCP. */
  malformed: number
  /** RTP of a stream that was not offered. */
  otherSsrc: number
}

export interface Options {
  readonly stream: LocalStream
  /** Opened already. */
  readonly ports: LocalPortPair.LocalPortPair
  /** By which the program knows the bridge as a receiver. */
  readonly receiverSsrc: number
}

export const make = ({ client }: BridgeSetting, { ports, receiverSsrc, stream }: Options): BridgeInput => ({
  stream,
  ports,
  source: LocalSource.make({
    ssrc: stream.ssrc,
    clockRate: stream.clockRate,
    receiverSsrc,
    cname: client.participant
  }),
  drops: { malformed: 0, otherSsrc: 0 },
  packets: 0,
  otherSsrc: undefined,
  rtcpTo: undefined
})

/** Of this moment, and not changed any more. */
export interface InputStatistics {
  readonly stream: LocalStream
  readonly bridge: LocalPortPair.PortNumbers
  /** That went into the call. */
  readonly packets: number
  readonly packetsDuplicate: number
  /** Packets that the program was asked for again, once for every time. */
  readonly packetsRequested: number
  readonly dropped: Readonly<InputDrops> & { readonly rtpPort: LocalPortDrops; readonly rtcpPort: LocalPortDrops }
}

export const statistics = ({ drops, packets, ports, source, stream }: BridgeInput): InputStatistics => ({
  stream,
  bridge: LocalPortPair.portNumbers(ports),
  packets,
  packetsDuplicate: source.packetsDuplicate,
  packetsRequested: source.packetsRequested,
  dropped: { ...drops, rtpPort: ports.rtp.drops(), rtcpPort: ports.rtcp.drops() }
})

export interface Handlers {
  /** Called once, with the first SSRC that was not offered. */
  readonly onOtherSsrc: (ssrc: number) => Effect.Effect<void>
  /** A program that plays, too, may say here what it has to say of streams that it receives. */
  readonly onRtcp: (packets: ReadonlyArray<RtcpPacket.RtcpPacket>) => Effect.Effect<void>
}

/** Takes in what the program sends, until the ports are closed. */
export const run = (self: BridgeInput, setting: BridgeSetting, handlers: Handlers): Effect.Effect<void> => {
  const { client } = setting
  const takeFrom = (port: LocalPort) =>
    Stream.runForEach(
      port.batches,
      Effect.fnUntraced(function* (datagrams) {
        const hadOther = self.otherSsrc !== undefined
        const { forward, heard, packets } = sort(self, setting, port, datagrams)
        self.packets += packets.length
        if (packets.length > 0) yield* client.send(packets)
        for (const bytes of forward) yield* client.sendRtcp(bytes)
        for (const compound of heard) yield* handlers.onRtcp(compound)
        yield* poll(self, setting)
        if (self.otherSsrc !== undefined && !hadOther) yield* handlers.onOtherSsrc(self.otherSsrc)
      })
    )
  return Effect.all([takeFrom(self.ports.rtp), takeFrom(self.ports.rtcp)], { concurrency: 2, discard: true })
}

interface Sorted {
  /** Go into the call. */
  readonly packets: Array<OutgoingRtp>
  /** RTCP that goes into the call. */
  readonly forward: Array<Uint8Array>
  /** RTCP that could be read. */
  readonly heard: Array<ReadonlyArray<RtcpPacket.RtcpPacket>>
}

/** RTCP may come on either port, RFC 5761. */
const sort = (
  self: BridgeInput,
  setting: BridgeSetting,
  port: LocalPort,
  datagrams: ReadonlyArray<LocalDatagram>
): Sorted => {
  const sorted: Sorted = { packets: [], forward: [], heard: [] }
  const nowMs = setting.nowMs()
  for (const { bytes, source } of datagrams) {
    if (RtcpHeader.isRtcp(bytes, 0, bytes.length)) {
      self.rtcpTo = { port, address: source }
      if (setting.srtcp) sorted.forward.push(bytes)
      else sortRtcp(self, bytes, nowMs, sorted)
    } else if (!RtpHeader.isRtp(bytes, 0, bytes.length)) self.drops.malformed++
    else if (isTaken(self, bytes, nowMs)) sorted.packets.push({ bytes })
  }
  return sorted
}

const sortRtcp = (self: BridgeInput, bytes: Uint8Array, nowMs: number, sorted: Sorted): void => {
  const decoded = RtcpPacket.decode(bytes)
  if (Result.isFailure(decoded)) {
    self.drops.malformed++
    return
  }
  sorted.heard.push(decoded.success)
  const forward = LocalSource.handleRtcp(self.source, decoded.success, nowMs)
  if (forward !== undefined) sorted.forward.push(forward)
}

const isTaken = (self: BridgeInput, packet: Uint8Array, nowMs: number): boolean => {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const ssrc = RtpHeader.ssrcAt(view, 0)
  if (ssrc !== self.stream.ssrc) {
    self.drops.otherSsrc++
    self.otherSsrc ??= ssrc
    return false
  }
  const { sequenceNumberAt, timestampAt } = RtpHeader
  return LocalSource.handlePacket(self.source, sequenceNumberAt(view, 0), timestampAt(view, 0), nowMs)
}

/** Sends the program the RTCP that is due: reports, what is asked for again, the wish for a key frame. */
export const poll = (self: BridgeInput, { client, nowMs, srtcp }: BridgeSetting): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { rtcpTo, source } = self
    if (srtcp || rtcpTo === undefined || nowMs() < LocalSource.nextDeadlineMs(source)) return Effect.void
    return Effect.flatMap(client.statistics, ({ uplink }) => {
      const compound = LocalSource.poll(source, { packets: uplink.framesReported, lost: uplink.framesLost }, nowMs())
      return compound === undefined ? Effect.void : rtcpTo.port.send([compound], rtcpTo.address)
    })
  })

/** Somebody in the call needs a key frame: the program is told at once. */
export const requestKeyFrame = (self: BridgeInput, setting: BridgeSetting): Effect.Effect<void> =>
  Effect.suspend(() => {
    LocalSource.requestKeyFrame(self.source)
    return poll(self, setting)
  })
