import type { Quantiles } from "../Statistics.ts"

/** What the benchmark asks of the load generator, and what it is told: JSON between two processes. */

/** How to talk to a relay. */
export type Language = "tandem" | "plain"

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
}

/**
 * By the clock, one packet after the other at equal distances; or saturated: always so many under way, as fast as the relay
 * returns them. Packets are counted where they come out of the relay.
 */
export type Pace = { readonly packetsPerSecond: number } | { readonly packetsUnderWay: number }

/** Media for a while. */
export interface RunOrder {
  readonly order: "run"
  readonly language: Language
  readonly relay: RelayPlace
  /** Whose processor time is measured. */
  readonly pid: number
  readonly calls: Calls
  readonly pace: Pace
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

/** What came of a run. */
export interface RunReport {
  /** From the first packet to the last: packets that should have come out of the relay, and that did, right in every byte. */
  readonly sent: number
  readonly received: number
  /** What else came: other bytes, the same again, out of order. */
  readonly wrong: number
  /** Of the time that was measured, as is all that follows. */
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
