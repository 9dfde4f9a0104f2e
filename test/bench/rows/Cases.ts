import type { Beside, Calls, ClockPace, Pace } from "../load/LoadOrder.ts"
import * as Coturn from "../relays/Coturn.ts"
import * as CReference from "../relays/CReference.ts"
import * as DgramRelay from "../relays/DgramRelay.ts"
import type { Relay } from "../relays/Relay.ts"
import * as TandemRelay from "../relays/TandemRelay.ts"

/** A load that relays have to carry, and what was promised about it. */
export interface Case {
  readonly name: string
  readonly relays: ReadonlyArray<Relay>
  readonly calls: Calls
  readonly pace: Pace | TimesCapacity
  readonly beside?: Beside & { readonly name: string }
  readonly promises: ReadonlyArray<Promised>
  /** Loss is what is measured here, so that it makes nothing invalid. */
  readonly mayLose?: boolean
  /** The generator offers as much as it can if it cannot offer all of it. */
  readonly mayFallBehind?: boolean
}

/** As a multiple of what the C reference forwards at most, which is measured first. */
export interface TimesCapacity {
  readonly timesCapacity: number
}

export type Promised =
  /** CPU a packet, as a ratio to another relay's in the same round. */
  | { readonly relay: Relay; readonly ratioTo: Relay; readonly max: number }
  /** Or one of its own figures: a share, or microseconds from sending to receiving. */
  | { readonly relay: Relay; readonly of: "lossRatio" | "p50" | "p99"; readonly max: number }

export const c = CReference.relay
const dgram = DgramRelay.relay
const { batched, portable } = TandemRelay
const all = [c, dgram, batched, portable]
/** It forwards between two. */
const allAndCoturn = [...all, Coturn.relay]

const batchedToC = (max: number): Promised => ({ relay: batched, ratioTo: c, max })
/** The portable socket's own promise. */
const portableToDgram: Promised = { relay: portable, ratioTo: dgram, max: 1.3 }
const batchedToCoturn: Promised = { relay: batched, ratioTo: Coturn.relay, max: 0.75 }

/** Ten calls of two in which both send. */
const pairs = (payloadBytes: number): Calls => ({
  calls: 10,
  participants: 2,
  senders: 2,
  payloadBytes,
  kind: payloadBytes < 500 ? "audio" : "video"
})
/** Four calls of eight, in each of which one sends to seven. */
const fanOut: Calls = { calls: 4, participants: 8, senders: 1, payloadBytes: 200, kind: "audio" }
/** Of voices, 50 packets a second each. */
const voices = (calls: number): Calls => ({ calls, participants: 2, senders: 2, payloadBytes: 200, kind: "audio" })
/** The packets of a video frame leave together. */
const inFrames = (payloadBytes: number): Calls => ({ ...pairs(payloadBytes), framePackets: 8 })

/** So many that the relay always finds the next batch when it is done with one, and no buffer overflows. */
const saturated: Pace = { packetsUnderWay: 640 }
const evenly = (packetsPerSecond: number): ClockPace => ({ packetsPerSecond })
/** As the pacers of devices do it: a timer of one millisecond. */
const inTicks = (packetsPerSecond: number): ClockPace => ({ packetsPerSecond, ticksPerSecond: 1000 })

/** What the C reference is able to forward is measured with this. */
export const capacity: Case & { readonly pace: Pace } = {
  name: "capacity",
  relays: [c],
  calls: pairs(200),
  pace: saturated,
  promises: []
}

const openLoop = (times: number): Case => ({
  name: `open loop, ${times.toFixed(1)} x C`,
  relays: all,
  calls: pairs(200),
  pace: { timesCapacity: times },
  // Where there is room for everything, nothing is lost: one packet in ten thousand is for what the machine does.
  promises: times === 0.8 ? [{ relay: batched, of: "lossRatio", max: 0.0001 }] : [],
  mayLose: true,
  mayFallBehind: times >= 1
})

export const cases: ReadonlyArray<Case> = [
  {
    name: "pair, 200 B, saturated",
    relays: allAndCoturn,
    calls: pairs(200),
    pace: saturated,
    promises: [batchedToC(1.2), batchedToCoturn, portableToDgram]
  },
  {
    name: "pair, 1000 B, saturated",
    relays: allAndCoturn,
    calls: pairs(1000),
    pace: saturated,
    promises: [batchedToC(1.2), batchedToCoturn, portableToDgram]
  },
  {
    name: "pair, 200 B, 30 kpps",
    relays: allAndCoturn,
    calls: pairs(200),
    pace: inTicks(30_000),
    promises: [batchedToC(1.3), batchedToCoturn, portableToDgram]
  },
  {
    name: "pair, 200 B, 30 kpps evenly",
    relays: all,
    calls: pairs(200),
    pace: evenly(30_000),
    promises: [portableToDgram, { relay: batched, of: "p50", max: 60 }, { relay: batched, of: "p99", max: 1000 }]
  },
  {
    name: "1 to 7, 200 B, saturated",
    relays: all,
    calls: fanOut,
    pace: saturated,
    promises: [batchedToC(1.2), portableToDgram]
  },
  {
    name: "bursty video, 8 x 1100 B, saturated",
    relays: [...allAndCoturn, CReference.withSegments],
    calls: inFrames(1100),
    pace: saturated,
    promises: [batchedToC(0.8)]
  },
  { name: "200 voices, 10 kpps", relays: all, calls: voices(100), pace: evenly(10_000), promises: [] },
  openLoop(0.5),
  openLoop(0.8),
  openLoop(1),
  openLoop(1.5),
  {
    name: "overload, 1.5 x C, video",
    relays: all,
    calls: inFrames(1000),
    pace: { timesCapacity: 1.5 },
    beside: { name: "overload, 1.5 x C, audio beside it", calls: voices(20), pace: evenly(2000) },
    promises: [],
    mayLose: true,
    mayFallBehind: true
  }
]

/**
 * The same 64 who are active, alone in one relay and among many others in another. Names and maximum are of the promise
 * that those who are there and silent cost next to nothing.
 */
export const joinedCase = (alone: Relay, crowded: Relay): Case => ({
  name: "64 active, saturated",
  relays: [alone, crowded],
  calls: { ...pairs(200), calls: 32 },
  pace: saturated,
  promises: [{ relay: crowded, ratioTo: alone, max: 1.2 }]
})
