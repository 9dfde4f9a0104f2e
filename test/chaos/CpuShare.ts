import * as Fs from "node:fs"
import * as Os from "node:os"
import * as ProcessFiles from "../bench/ProcessFiles.ts"

/** What this process, and all that it has started, take of the machine from a moment on. */
export interface CpuShare {
  readonly startedAtMs: number
  readonly cpuSeconds: ReadonlyMap<number, number>
}

/** One that has ended meanwhile has no file any more. */
const unlessGone = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

const childrenOf = (pid: number): ReadonlyArray<number> =>
  unlessGone(() => Fs.readdirSync(`/proc/${pid}/task`), []).flatMap((task) =>
    unlessGone(() => Fs.readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"), "")
      .split(" ")
      .filter(Boolean)
      .map(Number)
  )

const tree = (pid: number): ReadonlyArray<number> => [pid, ...childrenOf(pid).flatMap(tree)]

const cpuSeconds = (): ReadonlyMap<number, number> =>
  new Map(tree(process.pid).map((pid) => [pid, unlessGone(() => ProcessFiles.cpuSeconds(pid), 0)]))

export const start = (): CpuShare => ({ startedAtMs: performance.now(), cpuSeconds: cpuSeconds() })

/** 0 to 1; 1 is all processors, all of the time. */
export const read = ({ cpuSeconds: before, startedAtMs }: CpuShare): number => {
  const seconds = (performance.now() - startedAtMs) / 1000
  const used = [...cpuSeconds()].reduce((sum, [pid, now]) => sum + Math.max(0, now - (before.get(pid) ?? 0)), 0)
  return used / seconds / Os.availableParallelism()
}
