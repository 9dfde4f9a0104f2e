import { Effect } from "effect"
import * as Os from "node:os"
import { parseArgs } from "node:util"
import * as ForwardBatch from "./ForwardBatch.ts"
import * as SimulatedForwardBatch from "./SimulatedForwardBatch.ts"

/** One figure: what was measured, over so many rounds. */
interface Row {
  readonly name: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
}

const { values } = parseArgs({ options: { json: { type: "boolean" }, smoke: { type: "boolean" } } })
const rounds = values.smoke ? 1 : 7
const batches = values.smoke ? 50 : 4000

const cases = [
  { receivers: 1, payloadBytes: 200 },
  { receivers: 1, payloadBytes: 1000 },
  { receivers: 7, payloadBytes: 200 }
]
const portPayloadBytes = 200

/** One packet in and one out; the harness is a part of it. Microseconds. */
const oneToOneMicrosMax = 0.6

const rowOf = (name: string, unit: string, measured: ReadonlyArray<number>): Row => {
  const sorted = measured.toSorted((a, b) => a - b)
  return {
    name,
    unit,
    median: sorted[sorted.length >> 1]!,
    min: sorted[0]!,
    max: sorted.at(-1)!,
    rounds: sorted.length
  }
}

// The rounds of all cases take turns, so that whatever else the machine does meets each of them.
const measured = cases.map(() => ({ forward: [] as Array<number>, harness: [] as Array<number> }))
const throughPort: Array<number> = []
for (let round = 0; round < rounds; round++) {
  for (const [i, { receivers, payloadBytes }] of cases.entries()) {
    const { forwardNs, harnessNs } = ForwardBatch.measure(receivers, payloadBytes, batches)
    measured[i]!.forward.push(forwardNs / 1000)
    measured[i]!.harness.push(harnessNs / 1000)
  }
  throughPort.push((await Effect.runPromise(SimulatedForwardBatch.measure(portPayloadBytes, batches))) / 1000)
}

const unit = "us per packet in"
const forwardRows = cases.map(({ receivers, payloadBytes }, i) =>
  rowOf(`forwardBatch, 1 to ${receivers}, ${payloadBytes} B`, unit, measured[i]!.forward)
)
const rows = [
  ...forwardRows.flatMap((row, i) => [row, rowOf(`${row.name}, harness alone`, unit, measured[i]!.harness)]),
  rowOf(`forwardBatch, 1 to 1, ${portPayloadBytes} B, from a port`, unit, throughPort)
]
const machine = {
  node: process.version,
  cpu: Os.cpus()[0]?.model ?? "unknown",
  cores: Os.availableParallelism(),
  system: `${Os.type()} ${Os.release()}`
}

if (values.json) console.log(JSON.stringify({ machine, rows }, undefined, 2))
else {
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}`)
  for (const { max, median, min, name, unit } of rows) {
    console.log(`${name.padEnd(42)} ${median.toFixed(3)} ${unit} (${min.toFixed(3)} to ${max.toFixed(3)})`)
  }
}

// One round on a cold machine says nothing.
for (const [i, { median, name }] of forwardRows.entries()) {
  if (values.smoke || cases[i]!.receivers !== 1 || median <= oneToOneMicrosMax) continue
  console.error(`${name}: ${median.toFixed(3)} us is more than ${oneToOneMicrosMax} us`)
  process.exitCode = 1
}
