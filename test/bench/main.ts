import { parseArgs } from "node:util"
import * as LoadGenerator from "./load/LoadGenerator.ts"
import * as Machine from "./Machine.ts"
import * as PinnedProcess from "./PinnedProcess.ts"
import * as DgramRelay from "./relays/DgramRelay.ts"
import type { Relay, RunningRelay } from "./relays/Relay.ts"
import * as TandemRelay from "./relays/TandemRelay.ts"
import * as Row from "./Row.ts"
import * as ForwardingRows from "./rows/ForwardingRows.ts"
import type * as InProcess from "./rows/InProcess.ts"
import * as InProcessRows from "./rows/InProcessRows.ts"
import * as MemoryRows from "./rows/MemoryRows.ts"

/** The first is the reference. */
const reference = DgramRelay.relay
const relays: ReadonlyArray<Relay> = [reference, TandemRelay.relay]

/** How much is measured: enough to judge by, or only that everything runs. */
const sizes = {
  full: {
    rounds: 5,
    /** Before the first round, for each relay. Milliseconds. */
    warmUpMs: 2000,
    timing: { warmUpMs: 250, measureMs: 600, drainMs: 100 },
    batches: 4000,
    memory: { participantsBefore: 200, participants: 10_000, idleMs: 20_000, settleMs: 1000 },
    memoryCases: MemoryRows.cases
  },
  smoke: {
    rounds: 1,
    warmUpMs: 0,
    timing: { warmUpMs: 20, measureMs: 80, drainMs: 20 },
    batches: 50,
    memory: { participantsBefore: 8, participants: 64, idleMs: 100, settleMs: 0 },
    // The one that does the most.
    memoryCases: MemoryRows.cases.slice(-1)
  }
}
/** No round begins later: what comes behind the rounds takes up to a minute. Milliseconds. */
const roundsBeginUntilMs = 140_000
/** A benchmark that takes longer does not work. Milliseconds. */
const deadlineMs = 240_000

const options = {
  json: { type: "boolean", default: false },
  smoke: { type: "boolean", default: false },
  /** A part of the names of the rows that are wanted. */
  only: { type: "string", default: "" },
  help: { type: "boolean", default: false }
} as const
const usage = "usage: node test/bench/main.ts [--json] [--smoke] [--only PART-OF-A-NAME]"

const readFlags = () => {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(2)
  }
}

const values = readFlags()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const { batches, memory, memoryCases, rounds, timing, warmUpMs } = values.smoke ? sizes.smoke : sizes.full
const isWanted = (name: string) => name.includes(values.only)
const startedAt = new Date()
const cores = Machine.chooseCores()

const measureInRounds = async (): Promise<ReadonlyArray<Row.Row>> => {
  const forwarding = ForwardingRows.plan(isWanted)
  const inProcessRounds: Array<InProcessRows.Round> = []
  const running = new Map<Relay, RunningRelay>()
  for (const relay of relays) running.set(relay, await relay.start({ core: cores.relay, inspected: false }))
  const generator = LoadGenerator.start(cores.load)
  const inProcess = PinnedProcess.start({
    name: "forwardBatch",
    command: [process.execPath, `${import.meta.dirname}/rows/InProcess.ts`],
    core: cores.relay
  })
  if (forwarding.length > 0) await ForwardingRows.warmUp(running, generator, { ...timing, warmUpMs })
  for (let round = 0; round < rounds; round++) {
    if (performance.now() > roundsBeginUntilMs) break
    await ForwardingRows.measureRound(forwarding, running, generator, timing)
    const measured = PinnedProcess.nextMessage<InProcessRows.Round>(inProcess)
    inProcess.child.send({ only: values.only, batches } satisfies InProcess.Order)
    inProcessRounds.push(await measured)
  }
  await Promise.all([generator.end(), PinnedProcess.end(inProcess), ...[...running.values()].map(({ end }) => end())])
  return [...ForwardingRows.rowsOf(forwarding, reference), ...InProcessRows.rowsOf(inProcessRounds)]
}

/** All at the same time, on all cores: here nobody looks at the clock. */
const measureMemory = async (): Promise<ReadonlyArray<Row.Row>> => {
  if (!isWanted("idle")) return []
  const swapped = { relay: cores.load, load: cores.relay }
  const rows = await Promise.all(
    memoryCases.map((load, index) =>
      MemoryRows.measure(TandemRelay.relay, load, memory, index % 2 === 0 ? cores : swapped)
    )
  )
  return rows.flat()
}

const print = (rows: ReadonlyArray<Row.Row>): void => {
  const machine = Machine.describe()
  const notes = [
    ...(cores.notPinned === undefined ? [] : [`not kept to cores of their own: ${cores.notPinned}`]),
    ...(PinnedProcess.hasPriority() ? [] : ["without priority over other work: the system does not grant it"]),
    ...(values.smoke ? ["a smoke test: the figures mean nothing"] : [])
  ]
  if (values.json) {
    const conditions = { relayCore: cores.relay ?? null, loadCore: cores.load ?? null, notes }
    console.log(JSON.stringify({ startedAt, machine, conditions, rows }, undefined, 2))
    return
  }
  const { cores: count, cpu, effect, node, system, tandem } = machine
  console.log(`${cpu}, ${count} cores, ${system}, Node ${node}, effect ${effect}, tandem ${tandem}`)
  for (const note of notes) console.log(note)
  for (const row of rows) console.log(Row.format(row))
}

setTimeout(() => {
  console.error(`bench: not done after ${deadlineMs / 1000} s`)
  process.exit(1)
}, deadlineMs).unref()

try {
  const rows = [...(await measureInRounds()), ...(await measureMemory())]
  print(rows)
  // One round on a cold machine says nothing.
  const failures = values.smoke ? [] : rows.flatMap((row) => Row.failureOf(row) ?? [])
  for (const failure of failures) console.error(failure)
  if (failures.length > 0) process.exitCode = 1
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
