import { randomInt } from "node:crypto"
import { parseArgs } from "node:util"
import * as Events from "./Events.ts"
import type { DatabaseKind } from "./fleet/Database.ts"
import * as Firewall from "./fleet/Firewall.ts"
import * as Report from "./Report.ts"
import * as Run from "./Run.ts"

/** The command itself, in a network of its own: whoever imports this runs it. */

const usage =
  "npm run chaos -- [--json] [--store postgres|sqlite] [--only EVENT]... [--rounds N] [--seed N] [--calls N]"

const refuse = (message: string): never => {
  console.error(`${message}\nusage: ${usage}\nevents: ${Events.all.map(({ name }) => name).join(", ")}`)
  process.exit(2)
}

const readFlags = () => {
  try {
    return parseArgs({
      options: {
        json: { type: "boolean", default: false },
        store: { type: "string", default: "postgres" },
        only: { type: "string", multiple: true, default: [] },
        rounds: { type: "string", default: "5" },
        seed: { type: "string", default: String(randomInt(1_000_000_000)) },
        calls: { type: "string", default: "60" },
        help: { type: "boolean", default: false }
      }
    }).values
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

const whole = (name: string, text: string, min: number, max: number): number => {
  const value = Number(text)
  if (!/^\d{1,15}$/.test(text) || value < min || value > max)
    refuse(`--${name} is a whole number from ${min} to ${max}`)
  return value
}

const values = readFlags()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const store = (["postgres", "sqlite"] as const).find((kind): kind is DatabaseKind => kind === values.store)
if (store === undefined) refuse(`--store is postgres or sqlite`)
for (const name of values.only) {
  if (!Events.all.some((event) => event.name === name)) refuse(`there is no event ${JSON.stringify(name)}`)
}
const wanted: Run.Options = {
  seed: whole("seed", values.seed, 0, 999_999_999),
  store: store!,
  // Every device has an address of its own, of a network of 254.
  calls: whole("calls", values.calls, 1, 100),
  rounds: whole("rounds", values.rounds, 1, 1000),
  events: Events.all.filter(({ name }) => values.only.length === 0 || values.only.includes(name)),
  say: (line) => console.error(line)
}

const measure = async (): Promise<void> => {
  Firewall.open()
  wanted.say(`seed ${wanted.seed}`)
  const report = await Run.run(wanted)
  if (values.json) console.log(JSON.stringify(report, undefined, 2))
  else for (const line of Report.format(report)) console.log(line)
  const failures = Report.failuresOf(report)
  for (const failure of failures) console.error(failure)
  if (failures.length > 0) process.exitCode = 1
}

await measure().catch((error: unknown) => {
  console.error(`chaos: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
