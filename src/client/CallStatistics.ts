import * as OrderedStream from "../media/OrderedStream.ts"
import type { ParticipantId } from "../protocol/Ids.ts"
import type { StreamKind } from "../protocol/StreamDescription.ts"
import type { CallCore, Drops } from "./session/CallCore.ts"
import type { DevicePort, Traffic } from "./session/DevicePort.ts"
import * as HopTotals from "./session/HopTotals.ts"
import type { ReceivingCounters, ReceivingStream } from "./streams/ReceivingStream.ts"

/** Counters since the join, over all relays; of this moment, and not changed any more. */
export interface CallStatistics {
  /** Of the UDP port: media, control, and what keeps the leg in order. */
  readonly traffic: Traffic
  /** To the relay. */
  readonly uplink: UplinkStatistics
  /** From the relay. */
  readonly downlink: DownlinkStatistics
  /** To another relay, or to the same once more. */
  readonly moves: number
  /** Those of them that left a relay for its silence, and it was alive. */
  readonly movesFalse: number
  /** `undefined` before the first measurement. Milliseconds. */
  readonly roundTripMs: number | undefined
  readonly sent: ReadonlyArray<SentStatistics>
  /** Streams of those who are in the call. */
  readonly received: ReadonlyArray<ReceivedStatistics>
  /** Packets of streams that nobody has announced. */
  readonly packetsUnknown: number
  readonly dropped: Drops
}

export interface UplinkStatistics {
  readonly packetsSent: number
  /** Sent again because the relay asked. */
  readonly packetsResent: number
  /** Repair packets. */
  readonly repairsSent: number
  /** Frames that the relay has reported on: media, resends and feedback. */
  readonly framesReported: number
  /** Those of them that had not arrived. */
  readonly framesLost: number
}

export interface DownlinkStatistics {
  readonly packetsReceived: number
  /** Lost at their first passage. */
  readonly packetsLost: number
  /** Those of them that a resend has brought. */
  readonly packetsRepaired: number
  /** And those that repair packets have given back. */
  readonly packetsRecovered: number
  /** Came twice on one leg. */
  readonly packetsDuplicate: number
}

export interface SentStatistics {
  readonly ssrc: number
  readonly kind: StreamKind
  readonly packets: number
  readonly payloadBytes: number
  readonly packetsResent: number
  readonly keyFrameRequests: number
}

export interface ReceivedStatistics extends Readonly<ReceivingCounters> {
  readonly participant: ParticipantId
  readonly ssrc: number
  readonly kind: StreamKind
  readonly codec: string
  /** The SSRC of the packets that the application gets of it: of layers, which are one stream there, that of the lowest. */
  readonly handedOutSsrc: number
  /** Given up: they did not come in time. */
  readonly packetsMissed: number
  /** Came after they had been given up. */
  readonly packetsLate: number
  /** How long after the fastest possible arrival a packet is played; `undefined` before the first. Milliseconds. */
  readonly playoutDelayMs: number | undefined
}

export const collect = (core: CallCore, device: DevicePort): CallStatistics => {
  const { drops, receiving, sending, sessions } = core
  const hops = { ...core.hopTotals }
  for (const session of sessions) HopTotals.add(hops, session)
  return {
    traffic: device.traffic(),
    uplink: {
      packetsSent: hops.packetsSent,
      packetsResent: hops.packetsResent,
      repairsSent: hops.repairsSent,
      framesReported: hops.framesReported,
      framesLost: hops.framesReportedLost
    },
    downlink: {
      packetsReceived: hops.packetsReceived,
      packetsLost:
        Math.max(0, hops.packetsExpected - hops.packetsReceived) + hops.packetsRepaired + hops.packetsRecovered,
      packetsRepaired: hops.packetsRepaired,
      packetsRecovered: hops.packetsRecovered,
      packetsDuplicate: hops.packetsDuplicate
    },
    moves: core.moves.moves,
    movesFalse: core.moves.movesFalse,
    roundTripMs: sessions[0]?.hop.roundTrip.smoothedMs,
    sent: sending.map(({ keyFrameRequests, packets, packetsResent, payloadBytes, stream }) => ({
      ssrc: stream.ssrc,
      kind: stream.kind,
      packets,
      payloadBytes,
      packetsResent,
      keyFrameRequests
    })),
    received: Array.from(receiving.bySsrc.values(), statisticsOf),
    packetsUnknown: receiving.packetsUnknown,
    dropped: { ...drops }
  }
}

const statisticsOf = ({
  counters,
  description,
  ordered,
  participant,
  spliced,
  whole
}: ReceivingStream): ReceivedStatistics => ({
  participant,
  ssrc: description.ssrc,
  kind: description.kind,
  codec: description.codec,
  // Whole packets are handed out as they come.
  handedOutSsrc: whole === undefined && spliced !== undefined ? spliced.ssrc : description.ssrc,
  packetsMissed: ordered.packetsMissed,
  packetsLate: ordered.packetsLate,
  playoutDelayMs: OrderedStream.delayMs(ordered),
  ...counters
})
