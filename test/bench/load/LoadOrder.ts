import type { Quantiles } from "../Statistics.ts"

/** What the benchmark asks of the load generator, and what it is told: JSON between two processes. */

/** How to talk to a relay: our protocol; the name of a call and bare frames; TURN, RFC 8656, with ChannelData to plain peers. */
export type Language = "tandem" | "plain" | "turn"

/** Where a relay listens. */
export interface RelayPlace {
  readonly host: string
  readonly port: number
}

export type Kind = "audio" | "video"

/** Calls of one shape. The first participants of each send a stream to all the others. */
export interface Calls {
  readonly calls: number
  readonly participants: number
  readonly senders: number
  /** Behind the RTP header. Bytes. */
  readonly payloadBytes: number
  readonly kind: Kind
  /** Packets of one frame, which a sender sends in one go, and by segmentation offload where the system has it. Left out: 1. */
  readonly framePackets?: number
}

/** By the clock. Packets are counted where they should come out of the relay. */
export interface ClockPace {
  readonly packetsPerSecond: number
  /** What is due is sent at these moments, as a device's pacer does it. Left out: each frame at its own time, at equal distances. */
  readonly ticksPerSecond?: number
}

/** By the clock; or saturated: always so many under way, as fast as the relay returns them. */
export type Pace = ClockPace | { readonly packetsUnderWay: number }

/** Calls that have media at their own pace beside those that are measured. */
export interface Beside {
  readonly calls: Calls
  readonly pace: ClockPace
}

/** Media for a while. */
export interface RunOrder {
  readonly order: "run"
  readonly language: Language
  readonly relay: RelayPlace
  /** Whose processor time is measured. */
  readonly pid: number
  readonly calls: Calls
  readonly pace: Pace
  readonly beside?: Beside
  readonly timing: Timing
}

/** Milliseconds. */
export interface Timing {
  readonly warmUpMs: number
  readonly measureMs: number
  /** After the last packet, for those that are still under way. */
  readonly drainMs: number
}

/** Participants who come, say something, and stay until the load generator ends, with nothing but signs of life. */
export interface StayOrder {
  readonly order: "stay"
  readonly language: Language
  readonly relay: RelayPlace
  readonly participants: number
  readonly callSize: number
  /** That each of them sends. */
  readonly packets: number
}

export type LoadOrder = RunOrder | StayOrder

/** From the first packet to the last: packets that should have come out of the relay, and that did, right in every byte. */
export interface Delivery {
  readonly sent: number
  readonly received: number
  /** What else came: other bytes, the same again, out of order. */
  readonly wrong: number
}

/** What came of a run. */
export interface RunReport extends Delivery {
  /** Of the calls beside it; missing when there were none. */
  readonly beside?: Delivery
  /** Packets that the relay sent and that found a socket of the load generator full; missing where the system does not tell. */
  readonly droppedHere?: number
  /** Why the load generator has sent and received packet by packet; missing when it did so in batches. */
  readonly notBatched?: string
  /** Of the time that was measured: what was sent, counted where it should come out. Calls beside it included, as in all that follows. */
  readonly offeredPerSecond: number
  readonly packetsPerSecond: number
  /** User and system time of the relay's process for each packet that came out of it. Microseconds. */
  readonly cpuMicros: number
  /** Of it, in the kernel. 0 to 1. */
  readonly systemShare: number
  /** Of the time, that the relay's process was on a processor. 0 to 1. */
  readonly relayBusy: number
  /** From sending to receiving. */
  readonly delayMs: Quantiles
  /** How much later than at its time a packet was sent. Zeros when saturated. */
  readonly lateMs: Quantiles
}

export type LoadAnswer =
  | { readonly answer: "report"; readonly report: RunReport }
  | { readonly answer: "here" }
  | { readonly answer: "failure"; readonly message: string }
