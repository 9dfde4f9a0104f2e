import { Clock, Console, Effect, FileSystem, Option } from "effect"
import * as GroupRun from "../simulation/GroupRun.ts"
import * as GroupsRun from "../simulation/groups/GroupsRun.ts"
import * as Evening from "../simulation/newyear/Evening.ts"
import * as NewYear from "../simulation/newyear/NewYear.ts"
import * as Published from "../simulation/published/Published.ts"
import * as RateTrace from "../simulation/RateTrace.ts"
import type * as Scenario from "../simulation/Scenario.ts"
import type * as ScenarioReport from "../simulation/ScenarioReport.ts"
import * as RepairEfficiency from "../simulation/RepairEfficiency.ts"
import * as ScenarioRun from "../simulation/ScenarioRun.ts"
import * as Scenarios from "../simulation/Scenarios.ts"
import { BadInput, Failed } from "./Failure.ts"
import * as NewYearText from "./NewYearText.ts"
import type { Flags } from "./SimulateCommand.ts"
import * as SimulatePage from "./SimulatePage.ts"
import * as SimulateText from "./SimulateText.ts"

const list = "list"
const listed = [
  ...Scenarios.titles,
  { name: GroupRun.name, title: GroupRun.title },
  { name: GroupsRun.name, title: GroupsRun.title },
  { name: RepairEfficiency.name, title: RepairEfficiency.title },
  { name: NewYear.name, title: NewYear.title },
  ...Published.families.map(({ name, title }) => ({ name, title }))
]
/** How many calls there are for each figure. */
const seedsDefault = { published: 200, [RepairEfficiency.name]: 10, [GroupsRun.name]: 5 }
const hoursDefault = 3

export const run = Effect.fn(function* (flags: Flags) {
  const misuse = misused(flags)
  if (misuse !== undefined) return yield* new BadInput({ message: misuse })
  if (flags.scenario === list) {
    yield* Console.log(flags.json ? JSON.stringify({ scenarios: listed }) : SimulateText.list(listed))
  } else if (flags.scenario === GroupRun.name) {
    const report = yield* Effect.sync(() => GroupRun.run(String(flags.seed)))
    yield* Console.log(flags.json ? JSON.stringify(report) : SimulateText.group(report))
  } else if (flags.scenario === RepairEfficiency.name) yield* runRepair(flags)
  else if (flags.scenario === GroupsRun.name) yield* runGroups(flags)
  else if (flags.scenario === NewYear.name) yield* runNewYear(flags)
  else {
    const families = Published.byName(flags.scenario)
    yield* families.length > 0 ? runPublished(flags, families) : runScenario(flags)
  }
})

/** A flag that would be ignored. */
const misused = ({ hours, html, relays, scenario, seeds, throttle, trace }: Flags): string | undefined => {
  const hasSeeds = [RepairEfficiency.name, GroupsRun.name].includes(scenario) || Published.byName(scenario).length > 0
  if (Option.isSome(seeds) && !hasSeeds) {
    return `--seeds is for "published", "${RepairEfficiency.name}" and "${GroupsRun.name}": a scenario is run once, with --seed`
  }
  if (Option.isSome(trace) && scenario !== Scenarios.traced) return `--trace is for the scenario "${Scenarios.traced}"`
  for (const [flag, value] of Object.entries({ hours, relays, throttle })) {
    if (Option.isSome<unknown>(value) && scenario !== NewYear.name)
      return `--${flag} is for the scenario "${NewYear.name}"`
  }
  if (Option.isSome(html) && ([list, GroupRun.name, NewYear.name].includes(scenario) || hasSeeds)) {
    return `--html is for a scenario with a bottleneck: "${scenario}" has nothing to plot`
  }
  return undefined
}

const runScenario = Effect.fn(function* ({ html, json, scenario: name, seed, trace: path }: Flags) {
  const trace = Option.isSome(path) ? yield* readTrace(path.value) : undefined
  const scenario: Scenario.Scenario | undefined = Scenarios.byName(name, String(seed), trace)
  if (scenario === undefined) {
    return yield* new BadInput({
      message: `there is no scenario ${JSON.stringify(name)}: "tandem simulate list" shows all`
    })
  }
  // Before minutes are spent on what cannot be plotted.
  const draw = Option.isSome(html) ? yield* SimulatePage.load : undefined
  const report = yield* Effect.sync(() => ScenarioRun.run(scenario, String(seed)))
  if (draw !== undefined && Option.isSome(html)) yield* writePage(html.value, draw, report)
  yield* Console.log(json ? JSON.stringify(report) : SimulateText.format(report))
})

const writePage = Effect.fn(function* (path: string, draw: SimulatePage.Draw, report: ScenarioReport.ScenarioReport) {
  const files = yield* FileSystem.FileSystem
  const page = yield* Effect.promise(() => SimulatePage.make(draw, report))
  yield* files
    .writeFileString(path, page)
    .pipe(Effect.mapError((error) => new Failed({ message: `${path} cannot be written: ${error.message}` })))
})

const readTrace = Effect.fn(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* files
    .readFileString(path)
    .pipe(
      Effect.mapError(
        () => new BadInput({ message: `the trace ${path} cannot be read: --trace takes a file in Mahimahi's format` })
      )
    )
  return yield* Effect.fromResult(RateTrace.parse(text)).pipe(
    Effect.mapError(({ message }) => new BadInput({ message: `${path}, ${message}` }))
  )
})

const namesOf = ({ seed, seeds }: Flags, otherwise: number): ReadonlyArray<string> =>
  Array.from({ length: Option.getOrElse(seeds, () => otherwise) }, (_, i) => String(seed + i))

const runRepair = Effect.fn(function* (flags: Flags) {
  const names = namesOf(flags, seedsDefault[RepairEfficiency.name])
  const efficiency = yield* Effect.sync(() => RepairEfficiency.run(names))
  yield* Console.log(flags.json ? JSON.stringify({ efficiency }) : SimulateText.repairEfficiency(efficiency))
})

const runGroups = Effect.fn(function* (flags: Flags) {
  const names = namesOf(flags, seedsDefault[GroupsRun.name])
  const clock = yield* Clock.Clock
  const elapsedMicros = () => Number(clock.monotonicTimeNanosUnsafe()) / 1000
  const groups = yield* Effect.sync(() => GroupsRun.run(names, elapsedMicros))
  const scenarios = [...groups.audio, ...groups.video]
  yield* Console.log(flags.json ? JSON.stringify({ scenarios }) : SimulateText.groups(groups, names.length))
})

const runNewYear = Effect.fn(function* ({ hours, json, relays, seed, throttle }: Flags) {
  const evening = Evening.ofHours(
    Option.getOrElse(hours, () => hoursDefault),
    {
      relays: Option.getOrElse(relays, () => Evening.normal.relays),
      isThrottled: !Option.contains(throttle, "off")
    }
  )
  const report = yield* Effect.sync(() => NewYear.run(evening, String(seed)))
  yield* Console.log(json ? JSON.stringify(report) : NewYearText.format(report))
})

const runPublished = Effect.fn(function* (flags: Flags, families: ReadonlyArray<Published.Family>) {
  const names = namesOf(flags, seedsDefault.published)
  const claims = yield* Effect.sync(() => families.flatMap(({ run }) => run(names)))
  yield* Console.log(flags.json ? JSON.stringify({ claims }) : SimulateText.claims(claims, names.length))
  const failing = claims.filter(({ holds }) => !holds)
  if (failing.length > 0) {
    return yield* new Failed({ message: `${failing.length} of ${claims.length} claims do not hold` })
  }
})
