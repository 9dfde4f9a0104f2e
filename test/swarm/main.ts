/**
 * Runs the swarm for many seeds, in virtual time: `npm run swarm -- [--seeds 1000] [--from 1] [--steps 8] [--json]`. Prints
 * the seeds for which a promise did not hold, and what happened in them; the exit code is 1 if there are any.
 */
import { Effect } from "effect"
import { parseArgs } from "node:util"
import * as SwarmRun from "./SwarmRun.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    steps: { type: "string", default: "8" },
    json: { type: "boolean", default: false }
  }
})

const whole = (name: "seeds" | "from" | "steps"): number => {
  const value = Number(values[name])
  if (Number.isInteger(value) && value > 0) return value
  console.error(`--${name} is a whole number from 1 on, not "${values[name]}"`)
  process.exit(2)
}

const seeds = whole("seeds")
const from = whole("from")
const steps = whole("steps")
const failed: Array<{
  readonly seed: number
  readonly broken: ReadonlyArray<string>
  readonly log: ReadonlyArray<string>
}> = []
let moves = 0
let movesFalse = 0
for (let seed = from; seed < from + seeds; seed++) {
  const result = await Effect.runPromise(SwarmRun.inVirtualTime({ seed, steps }))
  moves += result.moves.all
  movesFalse += result.moves.false
  if (result.broken.length === 0) continue
  failed.push(result)
  if (!values.json) console.log(`seed ${seed}\n  ${[...result.log, "", ...result.broken].join("\n  ")}\n`)
}
if (values.json) console.log(JSON.stringify({ seeds, from, steps, moves, movesFalse, failed }))
else console.log(`${seeds} seeds from ${from} on: ${failed.length} failed; ${moves} moves, ${movesFalse} of them false`)
process.exitCode = failed.length > 0 ? 1 : 0
