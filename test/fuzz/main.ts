import { randomInt } from "node:crypto"
import { parseArgs } from "node:util"
import { Worker } from "node:worker_threads"
import type { Message, Options } from "./FuzzWorker.ts"
import * as Progress from "./Progress.ts"
import { targets } from "./Targets.ts"

/**
 * npm run fuzz -- --seconds 60 --seed 7 --target leg: runs the fuzzers in turns. A failure prints the command that repeats it.
 * Exit codes: 0 nothing found, 1 something found, 2 bad input.
 */

/** A case that takes longer hangs. Milliseconds. */
const hangsAfterMs = 120_000

const usage = "npm run fuzz -- [--seconds N] [--seed S] [--target NAME]... [--case K] [--list]"

const fail = (message: string): never => {
  console.error(`${message}; usage: ${usage}`)
  process.exit(2)
}

const parse = () => {
  try {
    return parseArgs({
      options: {
        seconds: { type: "string", default: "60" },
        seed: { type: "string", default: String(randomInt(1_000_000_000)) },
        target: { type: "string", multiple: true, default: [] },
        case: { type: "string" },
        list: { type: "boolean", default: false }
      }
    }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message.split("\n")[0]! : String(error))
  }
}

const whole = (name: string, text: string): number =>
  /^\d{1,15}$/.test(text) ? Number(text) : fail(`--${name} must be a whole number, not ${JSON.stringify(text)}`)

const values = parse()
if (values.list) {
  for (const { about, name } of targets) console.log(`${name.padEnd(18)} ${about}`)
  process.exit(0)
}
for (const name of values.target) {
  if (!targets.some((target) => target.name === name)) {
    fail(`there is no target ${JSON.stringify(name)}, there are ${targets.map((target) => target.name).join(", ")}`)
  }
}
const options: Options = {
  targets: values.target,
  seed: whole("seed", values.seed),
  seconds: whole("seconds", values.seconds),
  case: values.case === undefined ? undefined : whole("case", values.case)
}
if (options.case !== undefined && options.targets.length !== 1) fail("--case needs one --target")

console.log(`seed ${options.seed}`)
const progress = Progress.make()
const worker = new Worker(new URL("./FuzzWorker.ts", import.meta.url), { workerData: { options, progress } })
worker.on("message", ({ isFailure, text }: Message) => {
  console.log(text)
  if (isFailure) process.exitCode = 1
})
worker.on("error", (error) => {
  console.error(error)
  process.exitCode = 1
})

const runningCase = () => Progress.runningFor(progress, performance.timeOrigin + performance.now())

const reportEndless = (running: Progress.Running, what: string): void => {
  const { name } = targets[running.target]!
  console.log(`FAILED ${name}, seed ${options.seed}, case ${running.number}: ${what}`)
  console.log(`  to repeat it: npm run fuzz -- --target ${name} --seed ${options.seed} --case ${running.number}`)
  process.exitCode = 1
}

// A decoder that never ends cannot be stopped from within.
const watch = setInterval(() => {
  const running = runningCase()
  if (running === undefined || running.ms < hangsAfterMs) return
  clearInterval(watch)
  reportEndless(running, "it does not end")
  void worker.terminate()
}, 1000)

worker.on("exit", () => {
  clearInterval(watch)
  const running = runningCase()
  // A thread also ends when it waits for what nothing brings about.
  if (running !== undefined && process.exitCode !== 1) reportEndless(running, "it waits for ever")
})
