import * as GiveUpOrder from "../../throttle/GiveUpOrder.ts"
import * as EventHeap from "../EventHeap.ts"
import * as Callers from "./Callers.ts"
import * as Evening from "./Evening.ts"
import * as FluidRelay from "./FluidRelay.ts"
import * as GivenUp from "./GivenUp.ts"
import * as Recovery from "./Recovery.ts"
import * as Tally from "./Tally.ts"

/** New Year's Eve: hours of calls on a fleet of relays, and at midnight everybody calls at once. */

export const name = "newyear"
export const title = "New Year's Eve: everybody calls at midnight; what a fleet gives up for that, and in which order"

export interface Report {
  readonly scenario: string
  readonly seed: string
  readonly relays: number
  readonly throttle: "adaptive" | "off"
  readonly phases: ReadonlyArray<Tally.Row>
  /** Recovery.secondsOf the slowest relay; `null`: one has not, or there is no throttle. */
  readonly recoverySeconds: number | null
  /** Those of the warm-up too, so that each relay begins with nothing given up. */
  readonly steps: ReadonlyArray<RelayChange>
}

/** Time from midnight: before it negative. */
export interface RelayChange extends GivenUp.Change {
  readonly atSeconds: number
  readonly relay: string
}

/** How often relays tell each other what they have to do. Milliseconds. */
const tellEveryMs = 1000

export const run = (evening: Evening.Evening, seed: string): Report => {
  const tally = Tally.make()
  const relays = Array.from({ length: evening.relays }, (_, at) => FluidRelay.make(seed, at, evening.capacityPerSecond))
  const callers = Callers.make(evening, relays, tally, seed)
  const recoveries = relays.map(() => Recovery.make())
  const givenUp = relays.map(({ shedding }) => GivenUp.of(shedding))
  const steps: Array<RelayChange> = []
  const { stepMs } = FluidRelay
  for (let nowMs = 0; nowMs < Evening.endMs(evening); nowMs += stepMs) {
    if (nowMs % tellEveryMs === 0) Callers.tell(callers)
    EventHeap.runUntil(callers.events, nowMs + stepMs)
    const phase = Evening.phaseAt(evening, nowMs)
    const atSeconds = (nowMs + stepMs - Evening.midnightAtMs(evening)) / 1000
    for (const [at, relay] of relays.entries()) {
      FluidRelay.step(relay, evening.isThrottled)
      Tally.addWait(tally, phase, relay.waitMs, relay.participants)
      if (FluidRelay.isRuinous(relay)) Callers.ruin(callers, relay, nowMs + stepMs)
      const before = givenUp[at]!
      givenUp[at] = GivenUp.of(relay.shedding)
      for (const change of GivenUp.changes(before, givenUp[at])) steps.push({ atSeconds, relay: relay.id, ...change })
      if (phase === "after") Recovery.step(recoveries[at]!, relay, nowMs + stepMs)
    }
  }
  Callers.close(callers)
  return {
    scenario: name,
    seed,
    relays: evening.relays,
    throttle: evening.isThrottled ? "adaptive" : "off",
    phases: Tally.rowsOf(tally),
    recoverySeconds: evening.isThrottled ? Recovery.secondsOf(recoveries) : null,
    steps
  }
}

/** What the table gives up, in its order. */
export const order: ReadonlyArray<string> = GiveUpOrder.steps.map(GivenUp.nameOf)
