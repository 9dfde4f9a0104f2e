import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Os from "node:os"

/** What the figures depend on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly system: string
  readonly node: string
  readonly effect: string
  readonly tandem: string
  /** What a relay gets at most of the receive buffer that it asks for. Bytes. */
  readonly kernelReceiveBufferBytesMax: number
}

/** Where the processes of the benchmark run. `undefined`: wherever the system puts them. */
export interface Cores {
  readonly relay: number | undefined
  readonly load: number | undefined
  /** Why they are not kept apart; `undefined` when they are. */
  readonly notPinned: string | undefined
}

const versionOf = (name: string): string => {
  const { version } = createRequire(import.meta.url)(name) as { readonly version: string }
  return version
}

export const describe = (): Machine => ({
  cpu: Os.cpus()[0]?.model ?? "unknown",
  cores: Os.availableParallelism(),
  system: `${Os.type()} ${Os.release()}`,
  node: process.version,
  effect: versionOf("effect/package.json"),
  tandem: versionOf("tandem/package.json"),
  kernelReceiveBufferBytesMax: Number(Fs.readFileSync("/proc/sys/net/core/rmem_max", "utf8"))
})

/** Cpus_allowed_list of /proc/PID/status, proc_pid_status(5): "0-2,5" is 0, 1, 2 and 5. */
export const parseCpuList = (text: string): ReadonlyArray<number> =>
  text.split(",").flatMap((range) => {
    const [first, last = first] = range.trim().split("-").map(Number) as [number, number?]
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })

/** The first and the last core: of processors with two threads to a core, they are never the two threads of one. */
export const chooseCores = (): Cores => {
  const nowhere = { relay: undefined, load: undefined }
  if (spawnSync("taskset", ["--version"]).status !== 0) return { ...nowhere, notPinned: "there is no taskset" }
  const allowed = /^Cpus_allowed_list:\s*(.+)$/m.exec(Fs.readFileSync("/proc/self/status", "utf8"))
  const cores = parseCpuList(allowed?.[1] ?? "0")
  if (cores.length < 2) return { ...nowhere, notPinned: "there is one core only" }
  return { relay: cores.at(-1), load: cores[0], notPinned: undefined }
}
