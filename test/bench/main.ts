import * as Os from "node:os"
import { parseArgs } from "node:util"
import * as ForwardBatch from "./ForwardBatch.ts"

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
const measured = cases.map(() => [] as Array<{ readonly forwardNs: number; readonly harnessNs: number }>)
for (let round = 0; round < rounds; round++) {
  cases.forEach(({ receivers, payloadBytes }, i) => {
    measured[i]!.push(ForwardBatch.measure(receivers, payloadBytes, batches))
  })
}

const rows = cases.flatMap(({ receivers, payloadBytes }, i) => {
  const name = `forwardBatch, 1 to ${receivers}, ${payloadBytes} B`
  const toMicros = (ns: number) => ns / 1000
  return [
    rowOf(
      name,
      "us per packet in",
      measured[i]!.map(({ forwardNs }) => toMicros(forwardNs))
    ),
    rowOf(
      `${name}, harness alone`,
      "us per packet in",
      measured[i]!.map(({ harnessNs }) => toMicros(harnessNs))
    )
  ]
})
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
