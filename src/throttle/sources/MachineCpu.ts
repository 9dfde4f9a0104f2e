import { Context, Layer } from "effect"
import * as ProcFile from "./ProcFile.ts"

/** Of all processors together since the machine started. Milliseconds. */
export interface MachineTime {
  readonly idleMs: number
  /** There was something to run, and the host ran something else: proc(5), steal. */
  readonly stolenMs: number
  /** All of it. */
  readonly totalMs: number
}

/** What the machine's processors have done; `undefined`: the system does not tell. */
export class MachineCpu extends Context.Service<MachineCpu, { readonly read: () => MachineTime | undefined }>()(
  "tandem/throttle/sources/MachineCpu"
) {
  static readonly layer = Layer.effect(MachineCpu, ProcFile.reader("/proc/stat", parse))
}

/** What /proc/stat counts in, on every platform that Node runs on. Milliseconds. */
const tickMs = 10
/** user, nice, system, idle, iowait, irq, softirq, steal: the rest is part of user. */
const counted = 8

/** Of the text of /proc/stat: its first line. */
export function parse(text: string): MachineTime | undefined {
  const line = /^cpu +([\d ]+)/.exec(text)
  if (line === null) return undefined
  const ticks = line[1]!.split(" ").slice(0, counted).map(Number)
  if (ticks.length < 5) return undefined
  const [, , , idle = 0, waiting = 0, , , stolen = 0] = ticks
  return {
    idleMs: tickMs * (idle + waiting),
    stolenMs: tickMs * stolen,
    totalMs: tickMs * ticks.reduce((sum, each) => sum + each, 0)
  }
}
