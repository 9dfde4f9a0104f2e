import { randomInt } from "node:crypto"
import { parseArgs } from "node:util"
import * as Machine from "../bench/Machine.ts"
import * as PinnedProcess from "../bench/PinnedProcess.ts"
import * as Figures from "./Figures.ts"
import type { ThrottleKind } from "./Order.ts"
import * as Report from "./Report.ts"
import * as Round from "./Round.ts"
import * as Timeline from "./Timeline.ts"
import * as Verdict from "./Verdict.ts"

/**
 * npm run flood -- --json: calls eight times as often as normal, at a relay that can do so much and no more, with its throttle
 * and without. Exit codes: 0 all that must be shown is shown, 1 something is not, or the run itself failed, 2 bad input.
 */

const usage =
  "npm run flood -- [--json] [--rounds N] [--throttle adaptive|off|both] [--seed N] [--capacity PACKETS-A-SECOND] [--quick]"

const refuse = (message: string): never => {
  console.error(`${message}\nusage: ${usage}`)
  process.exit(2)
}

const readFlags = () => {
  try {
    return parseArgs({
      options: {
        json: { type: "boolean", default: false },
        rounds: { type: "string", default: "5" },
        throttle: { type: "string", default: "both" },
        seed: { type: "string", default: String(randomInt(1_000_000_000)) },
        capacity: { type: "string", default: "10000" },
        quick: { type: "boolean", default: false },
        help: { type: "boolean", default: false }
      }
    }).values
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

const whole = (name: string, text: string, min: number, max: number): number => {
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text) || value < min || value > max) refuse(`--${name} is a whole number from ${min} to ${max}`)
  return value
}

const values = readFlags()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
if (!["adaptive", "off", "both"].includes(values.throttle)) refuse("--throttle is adaptive, off or both")
const wantedRounds = whole("rounds", values.rounds, 1, 50)
const seed = whole("seed", values.seed, 0, 999_999_999)
const capacity = whole("capacity", values.capacity, 1000, 100_000)
const timeline = values.quick ? Timeline.quick : Timeline.full
const cores = Machine.chooseCores()
const say = (line: string) => console.error(line)

const measured: Array<Round.Round> = []

/** One round more. Returns whether it counts. */
const measure = async (throttle: ThrottleKind): Promise<boolean> => {
  const round = measured.length + 1
  const done = await Round.run({ seed, round, throttle, capacity, timeline, cores })
  measured.push(done)
  const figures = Figures.of(done, timeline)
  const isVoid = throttle === "adaptive" && Verdict.isVoid(figures)
  const { countedRatio, floodP99Ms, latenessP99Ms, normalP99Ms, ongoingDropped, recoverySeconds } = figures
  say(
    `round ${round}, throttle ${throttle}: ${ongoingDropped} calls dropped; p99 ${normalP99Ms.toFixed(1)} ms, in the flood ${floodP99Ms.toFixed(1)} ms; back to normal after ${recoverySeconds ?? "-"} s; the observer was ${latenessP99Ms.toFixed(1)} ms late at p99, and the host left ${Math.round(100 * countedRatio)} % of the seconds alone${isVoid ? ": void" : ""}`
  )
  return !isVoid
}

/** A void round is made up for, but not for ever. */
const measureAdaptive = async (): Promise<void> => {
  let valid = 0
  for (let attempt = 0; valid < wantedRounds && attempt < 2 * wantedRounds; attempt++) {
    if (await measure("adaptive")) valid++
  }
}

const run = async (): Promise<void> => {
  say(`seed ${seed}`)
  if (values.throttle !== "off") await measureAdaptive()
  if (values.throttle !== "adaptive") await measure("off")
  const notes = [
    ...(cores.notPinned === undefined ? [] : [`not kept to cores of their own: ${cores.notPinned}`]),
    ...(PinnedProcess.hasPriority() ? [] : ["without priority over other work: the system does not grant it"]),
    ...(values.quick ? ["short phases, to try things out: the figures mean little"] : [])
  ]
  const report = Report.make({ seed, capacity, timeline, machine: Machine.describe(), notes }, measured)
  if (values.json) console.log(JSON.stringify(report, undefined, 2))
  else for (const line of Report.format(report)) console.log(line)
  const failures = Report.failuresOf(report)
  for (const failure of failures) console.error(failure)
  if (failures.length > 0) process.exitCode = 1
}

await run().catch((error: unknown) => {
  console.error(`flood: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
