import { parentPort, workerData } from "node:worker_threads"
import * as Driver from "./Driver.ts"
import * as Progress from "./Progress.ts"
import type { Failure } from "./Target.ts"
import { targets as allTargets } from "./Targets.ts"

/** The thread that fuzzes. */

export interface Options {
  /** Their names; none: all. */
  readonly targets: ReadonlyArray<string>
  readonly seed: number
  readonly seconds: number
  /** Runs this one alone. */
  readonly case: number | undefined
}

export interface Message {
  readonly isFailure: boolean
  readonly text: string
}

const { options, progress } = workerData as { readonly options: Options; readonly progress: Progress.Progress }

const say = (text: string, isFailure = false): void => {
  const message: Message = { isFailure, text }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
  parentPort!.postMessage(message)
}

/** Of both threads: a monotonic one would begin with each. */
const nowMs = (): number => performance.timeOrigin + performance.now()

/** Longer input says less. Characters. */
const inputMax = 6000

const indented = (text: string): string => text.replaceAll(/^/gm, "  ")

const report = async ({ number, seed, target }: Driver.CaseName, failure: Failure): Promise<void> => {
  Progress.ended(progress)
  say(`FAILED ${target.name}, seed ${seed}, case ${number}\n${indented(failure.message)}`, true)
  say(`  to repeat it: npm run fuzz -- --target ${target.name} --seed ${seed} --case ${number}`)
  say(`  input:\n${indented(failure.input.slice(0, inputMax))}`)
  const smallest = await failure.minimize()
  if (smallest.input === failure.input) return
  say(`  smaller:\n${indented(smallest.input.slice(0, inputMax))}\n${indented(smallest.message.split("\n")[0]!)}`)
}

const targets =
  options.targets.length === 0 ? allTargets : allTargets.filter(({ name }) => options.targets.includes(name))

const runOne = async (number: number): Promise<void> => {
  const name = { target: targets[0]!, seed: options.seed, number }
  Progress.started(progress, allTargets.indexOf(name.target), number, nowMs())
  const failure = await Driver.runCase(name)
  Progress.ended(progress)
  if (failure === undefined) say(`${targets[0]!.name}, seed ${options.seed}, case ${number}: holds`)
  else await report(name, failure)
}

const runAll = async (): Promise<void> => {
  const endMs = nowMs() + options.seconds * 1000
  const all = await Driver.run(targets, {
    seed: options.seed,
    isOver: () => nowMs() >= endMs,
    nowMs,
    started: (place, number) => Progress.started(progress, allTargets.indexOf(targets[place]!), number, nowMs()),
    failed: report
  })
  Progress.ended(progress)
  say(`${"target".padEnd(18)}${"cases".padStart(12)}${"a second".padStart(12)}${"slowest".padStart(12)}   of case`)
  for (const { failure, number, slowest, spentMs, target } of all) {
    const rate = ((number * 1000) / Math.max(1, spentMs)).toFixed(spentMs > number * 100 ? 1 : 0)
    const end = failure === undefined ? "" : "   FAILED"
    const times = `${number}`.padStart(12) + rate.padStart(12) + `${slowest.ms.toFixed(0)} ms`.padStart(12)
    say(`${target.name.padEnd(18)}${times}   ${slowest.number}${end}`)
  }
}

if (options.case === undefined) await runAll()
else await runOne(options.case)
