import { parseArgs } from "node:util"
import * as Machine from "./Machine.ts"
import * as PinnedProcess from "./PinnedProcess.ts"
import * as Report from "./Report.ts"
import * as Session from "./Session.ts"
import * as Sizes from "./Sizes.ts"

/** No round begins later: what comes behind the rounds takes up to two minutes. Milliseconds. */
const roundsBeginUntilMs = 500_000
/** A benchmark that takes longer does not work. Milliseconds. */
const deadlineMs = 780_000

const options = {
  json: { type: "boolean", default: false },
  smoke: { type: "boolean", default: false },
  /** How many, instead of five. */
  rounds: { type: "string" },
  /** A part of the names of the rows that are wanted. */
  only: { type: "string", default: "" },
  help: { type: "boolean", default: false }
} as const
const usage = "usage: node test/bench/main.ts [--json] [--smoke] [--rounds NUMBER] [--only PART-OF-A-NAME]"

const badUsage = (message: string): never => {
  console.error(`${message}\n${usage}`)
  process.exit(2)
}

const readFlags = () => {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return badUsage(error instanceof Error ? error.message : String(error))
  }
}

const values = readFlags()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const ofSize = values.smoke ? Sizes.smoke : Sizes.full
const rounds = values.rounds === undefined ? ofSize.rounds : Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) badUsage("--rounds must be a whole number from 1")

setTimeout(() => {
  console.error(`bench: not done after ${deadlineMs / 1000} s`)
  process.exit(1)
}, deadlineMs).unref()

const measure = async (): Promise<Report.Report> => {
  const startedAt = new Date()
  const cores = Machine.chooseCores()
  const wanted = { only: values.only, sizes: { ...ofSize, rounds }, cores, roundsBeginUntilMs }
  const { capacity, inProcess, rows, ...forwarding } = await Session.measureForwarding(wanted)
  const joined = await Session.measureJoined(wanted)
  const gc = await Session.measureGc(wanted)
  const eachParticipant = await Session.measureMemory(wanted)
  return {
    startedAt,
    machine: Machine.describe(),
    conditions: {
      relayCore: cores.relay ?? null,
      loadCore: cores.load ?? null,
      ...(capacity === undefined ? {} : { capacityPerSecond: capacity }),
      notes: Report.notesOf(cores, PinnedProcess.hasPriority(), values.smoke)
    },
    rounds: forwarding.rounds,
    rows: [...rows, ...(joined?.rows ?? [])],
    inProcess,
    memory: {
      ...(joined === undefined ? {} : { joined: joined.resident }),
      ...(eachParticipant === undefined ? {} : { eachParticipant })
    },
    gc
  }
}

try {
  const measured = await measure()
  const report = values.smoke ? Report.withoutLimits(measured) : measured
  if (values.json) console.log(JSON.stringify(report, undefined, 2))
  else for (const line of Report.format(report)) console.log(line)
  const failures = [
    ...Report.failuresOf(report),
    // Where every tool is required, a row that is missing is a failure.
    ...(process.env["TANDEM_REQUIRE"] === "all" ? Report.missingOf(report) : [])
  ]
  for (const failure of failures) console.error(failure)
  if (failures.length > 0) process.exitCode = 1
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
