import type { CallClass } from "../../src/protocol/CallClass.ts"

/** How calls of one class are. */
export interface Kind {
  /** Of `blockCalls` calls in a row. */
  readonly calls: number
  readonly people: number
  readonly hasVideo: boolean
}

/** What is called, in shares that hold in every block of so many calls in a row. */
export const kinds: Readonly<Record<CallClass, Kind>> = {
  "one-to-one-audio": { calls: 12, people: 2, hasVideo: false },
  "one-to-one-video": { calls: 3, people: 2, hasVideo: true },
  "group-audio": { calls: 3, people: 3, hasVideo: false },
  "group-video": { calls: 2, people: 3, hasVideo: true }
}
export const blockCalls = 20

export const classes = Object.keys(kinds) as ReadonlyArray<CallClass>

export const isGroup = (callClass: CallClass): boolean => kinds[callClass].people > 2

/** Packets of each participant's audio and video are so far apart. Milliseconds. */
export const audioMs = 20
export const videoMs = 50

/** What a relay sends beside media to each participant, as measured: reports on what comes, for the most part. Datagrams a second. */
const reportsPerSecond = 25

/** What a relay sends for a call of this class; it receives less. Datagrams a second. */
export const packetsPerSecondOf = ({ hasVideo, people }: Kind): number =>
  people * ((people - 1) * (1000 / audioMs + (hasVideo ? 1000 / videoMs : 0)) + reportsPerSecond)

/** The mean of a block. */
export const packetsPerSecond =
  Object.values(kinds).reduce((sum, kind) => sum + kind.calls * packetsPerSecondOf(kind), 0) / blockCalls
