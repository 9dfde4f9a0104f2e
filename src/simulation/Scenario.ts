import type * as Bottleneck from "./Bottleneck.ts"
import type { Standstill } from "./EventHeap.ts"
import type { Presence } from "./LabDevice.ts"

/**
 * One question about how senders share what a path carries, as data: the links that are shared, who sends over them from
 * when to when, and for how long.
 */
export interface Scenario {
  readonly name: string
  readonly title: string
  readonly durationMs: number
  /**
   * Who ends the hop that is measured. `relay`: each sending device has a relay on the other side of the bottleneck.
   * `devices`: two devices with nobody between them, so that both directions of the hop are measured.
   */
  readonly hop: "relay" | "devices"
  /** Shared by all that goes from the devices a (forward), and by what comes to them (backward). */
  readonly bottlenecks: { readonly forward: Shape; readonly backward?: Shape }
  readonly calls: ReadonlyArray<Call>
  readonly tcp: ReadonlyArray<Tcp>
  /** When nothing at all happens, as on a machine whose host has given its processors to others. */
  readonly standstills?: ReadonlyArray<Standstill>
}

/** A drop-tail queue in front of a rate. */
export interface Shape {
  readonly rate: Bottleneck.Rate
  readonly queueMs: number
}

export interface Call {
  /** One way, behind the bottleneck. Milliseconds. */
  readonly delayMs: number
  /** Standard deviation, see Link. Milliseconds. */
  readonly jitterMs: number
  /** Device a: its video goes forward. */
  readonly forward: Source
  /** Device b, where no relay stands between: its video goes backward. */
  readonly backward?: Source
}

export interface Source {
  readonly name: string
  readonly videoMaxBps: number
  readonly presence: Presence
}

export type Tcp =
  | { readonly kind: "long"; readonly fromMs: number; readonly delayMs: number }
  /** Transfers of even sizes with exponential pauses between them, on `count` connections. */
  | {
      readonly kind: "short"
      readonly fromMs: number
      readonly delayMs: number
      readonly count: number
      readonly bytesMin: number
      readonly bytesMax: number
      readonly pauseMeanMs: number
    }
