import type { Key } from "../chaos/generator/Order.ts"
import type { PlannedCall } from "./ArrivalPlan.ts"
import type { TallyReport } from "./Tally.ts"
import type { Timeline } from "./Timeline.ts"

/** What the processes of a round are told, and what they answer: JSON. */

export type ThrottleKind = "adaptive" | "off"

export interface RelayOrder {
  readonly key: Key
  /** What the relay can do. */
  readonly packetsPerSecond: number
  readonly throttle: ThrottleKind
}

export interface RelayReady {
  /** "127.0.0.1:40000": where devices reach it. */
  readonly address: string
  /** "http://127.0.0.1:40001" */
  readonly http: string
}

export interface GeneratorOrder {
  readonly key: Key
  /** The relay's address. */
  readonly relay: string
  readonly timeline: Timeline
  /**
   * Part of everybody's name. A relay under load goes by names: with the same in all rounds, all of them would refuse in the
   * same second.
   */
  readonly people: string
  readonly calls: ReadonlyArray<PlannedCall>
  /** By the monotonic clock. Milliseconds. */
  readonly startAtMs: number
}

export interface GeneratorAnswer extends TallyReport {
  /** Of one core. */
  readonly cpuSeconds: number
}
