import type { CallPlan, Flow } from "./CallPlan.ts"
import type { Fleet, Setting } from "./fleet/Fleet.ts"
import type * as Dice from "../fuzz/Dice.ts"
import type { Generators } from "./generator/Generators.ts"

/** All that an event finds: a fleet with calls on it, everybody where they belong. */
export interface Scene {
  readonly fleet: Fleet
  readonly calls: ReadonlyArray<CallPlan>
  readonly generators: Generators
  readonly draw: Dice.Dice
}

/**
 * What an event means for a flow: it is hit; it is of a call that is hit, and may pass the relay that is gone on its way
 * between others; it has nothing to do with it.
 */
export type FlowClass = "affected" | "bystander" | "untouched"

/** What was done, by who has done it. */
export interface Blow {
  /** Gaps count from then, on the monotonic clock. Milliseconds. */
  readonly sinceMs: number
  readonly classOf: (flow: Flow) => FlowClass
  /** Of what is not media, how long each took. Milliseconds. */
  readonly timesMs?: ReadonlyArray<number>
  /** Promises that do not hold and that no figure shows, a line each. */
  readonly broken?: ReadonlyArray<string>
  /** For people. */
  readonly note?: string
}

/** What is promised beside what holds for every event: that no call and no member is lost, and nothing comes twice. */
export interface Limits {
  /** Of the affected flows' longest pauses. Milliseconds. */
  readonly gapP95Ms?: number
  readonly gapMaxMs?: number
  /** Of the same, beyond what they were without the event. Milliseconds. */
  readonly gapP95MsAboveBaseline?: number
  /** Of `timesMs`. Milliseconds. */
  readonly timeP95Ms?: number
  /** Moves of a device away from a relay that was alive, in one round. */
  readonly movesFalseMax?: number
  readonly movesMax?: number
  /** Nothing is promised to those who have nothing to do with it: everybody has. */
  readonly nobodyUntouched?: true
}

export interface ChaosEvent {
  readonly name: string
  readonly setting: Setting
  readonly limits: Limits
  /** Why it cannot be had here; `undefined` when it can. */
  readonly notHere?: (scene: Scene) => string | undefined
  /** Ends when nothing more is done; what follows is waited for then. */
  readonly strike: (scene: Scene) => Promise<Blow>
  /** How long the flows are watched behind the blow. Milliseconds. */
  readonly watchMs: number
  /** Puts everything back that the blow has taken away, however far it came. */
  readonly repair: (scene: Scene) => Promise<void>
}

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1_000_000

/** The relays at these places are gone: whoever was there is hit. */
export const hitting =
  (scene: Scene, relays: ReadonlySet<number>): Blow["classOf"] =>
  ({ receiver, sender }) => {
    if (relays.has(receiver.relay) || relays.has(sender.relay)) return "affected"
    return scene.calls[sender.call]!.members.some(({ relay }) => relays.has(relay)) ? "bystander" : "untouched"
  }
