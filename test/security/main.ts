import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { parseArgs } from "node:util"
import * as CookielessJoins from "./CookielessJoins.ts"
import type { StormReport } from "./Storm.ts"
import * as StormScenes from "./StormScenes.ts"

/** The storms of docs/security.md at their full size. The tests run slices of them. */

const options = { seed: { type: "string", default: "1" }, help: { type: "boolean", default: false } } as const
const usage = "usage: node test/security/main.ts [--seed NUMBER]"

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
const seed = Number(values.seed)
if (!Number.isSafeInteger(seed)) {
  console.error(`--seed ${values.seed} is not a whole number\n${usage}`)
  process.exit(2)
}

/** A row of the output, and what was wrong. */
interface Outcome {
  readonly figures: string
  readonly complaints: ReadonlyArray<string>
}

const megabytes = (heapBytes: ReadonlyArray<number>): string =>
  `heap ${heapBytes.map((bytes) => (bytes / 1e6).toFixed(1)).join(" ")} MB`

const ofStorm = (report: StormReport): Outcome => ({
  figures: [
    `${report.datagrams} datagrams`,
    `strangers sent ${report.ledger.bytesIn} bytes, were answered ${report.ledger.answers} times with ${report.ledger.bytesOut}`,
    `the call sent ${report.call[0]!.sent + report.call[1]!.sent} packets and heard ${report.call[0]!.heard + report.call[1]!.heard}`,
    megabytes(report.heapBytes)
  ].join("; "),
  complaints: StormScenes.complaints(report)
})

const ofJoins = (report: CookielessJoins.JoinsReport): Outcome => ({
  figures: [
    `${report.joins} joins, ${report.challenged} of them asked for a cookie`,
    `${report.bytesOut} bytes for ${report.bytesIn}`,
    megabytes(report.heapBytes)
  ].join("; "),
  complaints: CookielessJoins.complaints(report)
})

const storms: ReadonlyArray<readonly [name: string, run: () => Promise<Outcome>]> = [
  [
    "simulated network",
    () =>
      StormScenes.simulated({ datagrams: 1_000_000, slices: 20, seed }).pipe(
        Effect.scoped,
        Effect.provide(TestClock.layer()),
        Effect.map(ofStorm),
        Effect.runPromise
      )
  ],
  [
    "UDP",
    () => StormScenes.overUdp({ datagrams: 100_000, slices: 20, seed }).pipe(Effect.map(ofStorm), Effect.runPromise)
  ],
  ["joins without a cookie, over UDP", () => CookielessJoins.run(13).pipe(Effect.map(ofJoins), Effect.runPromise)]
]

let isGood = true
for (const [name, run] of storms) {
  const before = process.cpuUsage()
  const { complaints, figures } = await run()
  const { system, user } = process.cpuUsage(before)
  console.log(`${name}: ${figures}; ${((system + user) / 1e6).toFixed(1)} s of CPU`)
  for (const complaint of complaints) console.error(`${name}, seed ${seed}: ${complaint}`)
  isGood &&= complaints.length === 0
}
process.exitCode = isGood ? 0 : 1
