import * as Path from "node:path"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import * as PinnedProcess from "../../bench/PinnedProcess.ts"
import type { Station } from "./Firewall.ts"

/** One relay, as `tandem run` starts it. It keeps its place over restarts: address, name, and group. */
export interface RelayProcess {
  readonly place: number
  readonly id: string
  /** Port 0 before the first start. */
  station: Station
  /** "127.0.1.1:40000": where devices reach it. */
  address: string
  /** "http://127.0.0.1:40001" */
  http: string
  process: PinnedProcess.PinnedProcess | undefined
  /** Without where it is and what it is called. */
  readonly args: ReadonlyArray<string>
}

const program = Path.join(import.meta.dirname, "../../../bin/tandem.js")

/** Of groups that nobody else is of. */
const firstGroup = 61_000

/** A relay that does not say that it is ready by then will not. Milliseconds. */
const readyMs = 15_000
/** Longer than a relay waits for its devices to go. Milliseconds. */
const stoppedMs = 40_000

/** `argsAt`: those that are not about where it is and what it is called, of a relay on this host. */
export const make = (place: number, argsAt: (host: string) => ReadonlyArray<string>): RelayProcess => {
  const host = `127.0.1.${1 + place}`
  return {
    place,
    id: `r${1 + place}`,
    station: { host, port: 0, group: firstGroup + place },
    address: "",
    http: "",
    process: undefined,
    args: argsAt(host)
  }
}

/** Root alone may choose a group. */
const asGroup = (group: number) =>
  process.getuid?.() === 0 ? ["setpriv", "--regid", `${group}`, "--keep-groups", "--pdeathsig", "KILL", "--"] : []

const within = async <A>(timeMs: number, promise: Promise<A>, otherwise: () => string): Promise<A> => {
  const timer = new AbortController()
  const late = sleep(timeMs, undefined, { signal: timer.signal }).then(() => Promise.reject(new Error(otherwise())))
  try {
    return await Promise.race([promise, late])
  } finally {
    late.catch(() => {})
    timer.abort()
  }
}

/** Ready when this has run: at the port that it had before, if there was one. */
export const start = async (self: RelayProcess): Promise<void> => {
  const { host, port, group } = self.station
  const where = ["--host", host, "--port", `${port}`, "--admin-port", "0", "--relay-id", self.id]
  const started = PinnedProcess.start({
    name: self.id,
    command: [
      ...asGroup(group),
      process.execPath,
      program,
      "run",
      "--json",
      "--throttle",
      "off",
      ...where,
      ...self.args
    ],
    core: undefined,
    hasPriority: false
  })
  self.process = started
  const silent = () => `${self.id} is not ready after ${readyMs / 1000} s: ${started.complaints.join("\n")}`
  const line = await within(readyMs, PinnedProcess.firstLine(started, "{"), silent)
  const ready = JSON.parse(line) as { readonly address: string; readonly http: string }
  self.address = ready.address
  self.http = ready.http
  self.station = { host, port: Number(ready.address.split(":").at(-1)), group }
}

export const signal = ({ process: running }: RelayProcess, name: NodeJS.Signals): void => void running?.child.kill(name)

export const hasEnded = ({ process: running }: RelayProcess): boolean =>
  running === undefined || running.child.exitCode !== null || running.child.signalCode !== null

/** As `kill -9`: gone when this has run. */
export const kill = async (self: RelayProcess): Promise<void> => {
  if (self.process !== undefined) await PinnedProcess.end(self.process)
}

/** SIGTERM, and its end. Returns how long that took. Milliseconds. */
export const stop = async (self: RelayProcess): Promise<number> => {
  const startedAtMs = performance.now()
  const { child } = self.process!
  const ended = once(child, "exit")
  child.kill("SIGTERM")
  await within(stoppedMs, ended, () => `${self.id} does not stop`)
  return performance.now() - startedAtMs
}
