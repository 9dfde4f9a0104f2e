import * as Dice from "../fuzz/Dice.ts"
import * as CallPlan from "./CallPlan.ts"
import type { ChaosEvent, Scene } from "./ChaosEvent.ts"
import type { DatabaseKind } from "./fleet/Database.ts"
import * as Fleet from "./fleet/Fleet.ts"
import * as Generators from "./generator/Generators.ts"
import type { Report } from "./Report.ts"
import * as Round from "./Round.ts"
import * as Row from "./Row.ts"

export interface Options {
  readonly seed: number
  readonly store: DatabaseKind
  readonly calls: number
  readonly rounds: number
  readonly events: ReadonlyArray<ChaosEvent>
  /** What happens, line by line. */
  readonly say: (line: string) => void
}

type Outcome = { readonly row: Row.Row } | { readonly notMeasured: Report["notMeasured"][number] }

const runEvent = async (scene: Scene, event: ChaosEvent, { rounds, say }: Options): Promise<Outcome> => {
  const because = event.notHere?.(scene)
  if (because !== undefined) return { notMeasured: { event: event.name, because } }
  const measured: Array<Round.Round> = []
  for (let round = 1; round <= rounds; round++) {
    const one = await Round.run(scene, event)
    measured.push(one)
    const { max, p50, p95 } = Row.gapsOf(one.gapsMs.affected)
    say(`${event.name}, round ${round}: ${one.callsLost} calls lost, gaps p50 ${p50}, p95 ${p95}, max ${max} ms`)
  }
  return { row: Row.make(event, measured) }
}

/** Events of one setting, on one fleet, with generators of their own. */
const runSetting = async (setting: Fleet.Setting, events: ReadonlyArray<ChaosEvent>, options: Options) => {
  const { calls, say, seed, store } = options
  const fleet = await Fleet.start(setting, store)
  const generators = Generators.make()
  try {
    say(`${fleet.relays.length} relays: ${fleet.relays.map(({ address, id }) => `${id} ${address}`).join(", ")}`)
    const plan = CallPlan.make(Dice.ofCase(seed, setting, 0), calls, fleet.relays.length)
    const outcomes: Array<Outcome> = []
    for (const event of events) {
      const draw = Dice.ofCase(seed, event.name, 0)
      outcomes.push(await runEvent({ fleet, calls: plan, generators, draw }, event, options))
    }
    return outcomes
  } finally {
    await generators.end()
    await fleet.end()
  }
}

export const run = async (options: Options): Promise<Report> => {
  const { calls, events, seed, store } = options
  const outcomes: Array<Outcome> = []
  for (const setting of new Set(events.map(({ setting }) => setting))) {
    const those = events.filter((event) => event.setting === setting)
    outcomes.push(...(await runSetting(setting, those, options)))
  }
  return {
    seed,
    store,
    calls,
    events: outcomes.flatMap((outcome) => ("row" in outcome ? [outcome.row] : [])),
    notMeasured: outcomes.flatMap((outcome) => ("notMeasured" in outcome ? [outcome.notMeasured] : []))
  }
}
