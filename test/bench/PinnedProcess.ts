import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import { createInterface, type Interface } from "node:readline"

/** A process of the benchmark, kept to one core. It ends with the benchmark, however that ends. */
export interface PinnedProcess {
  /** For messages: "the load generator". */
  readonly name: string
  readonly child: ChildProcess
  /** Of what it says on stdout, line by line. */
  readonly output: Interface
  /** What it has said on stderr. */
  readonly complaints: Array<string>
}

const running = new Set<ChildProcess>()

/** The kernel ends it when the benchmark is killed in a way that it cannot see coming. util-linux, as taskset is. */
const endWithUs = ["setpriv", "--pdeathsig", "KILL"]
const canEndWithUs = spawnSync(endWithUs[0]!, [...endWithUs.slice(1), "true"]).status === 0

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(128 + Os.constants.signals[signal]))
}

/** The highest there is. */
const niceness = -20

/**
 * So that other work on the machine does not show in the figures. Where a session's processes are scheduled as a group, the
 * group has a niceness of its own (sched(7), "The autogroup feature"). False when the system does not allow it.
 */
const prefer = (pid: number): boolean => {
  try {
    Os.setPriority(pid, niceness)
    const autogroup = `/proc/${pid}/autogroup`
    if (Fs.existsSync(autogroup)) Fs.writeFileSync(autogroup, String(niceness))
    return true
  } catch {
    return false
  }
}

let allHavePriority = true
/** Whether all processes so far run before other work. */
export const hasPriority = (): boolean => allHavePriority

/** What `tandem run` gives itself on one core; with a channel for messages it cannot begin anew to do so. */
export const flagsOfRelay = (core: number | undefined): ReadonlyArray<string> =>
  core === undefined ? [] : ["--single-threaded-gc"]

export const start = (options: {
  readonly name: string
  /** The program and its arguments. It has a channel for messages. */
  readonly command: ReadonlyArray<string>
  /** `undefined`: wherever the system puts it. */
  readonly core: number | undefined
  readonly cwd?: string
  /** Before other work on the machine. Left out: yes. No for one of many that depend on each other and are to be alike. */
  readonly hasPriority?: boolean
}): PinnedProcess => {
  const { core, cwd, hasPriority = true, name } = options
  const command = [
    ...(canEndWithUs ? endWithUs : []),
    ...(core === undefined ? [] : ["taskset", "-c", String(core)]),
    ...options.command
  ]
  const child = spawn(command[0]!, command.slice(1), {
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // A session of its own, and so a scheduling group of its own.
    detached: true
  })
  running.add(child)
  child.once("exit", () => running.delete(child))
  if (hasPriority && (child.pid === undefined || !prefer(child.pid))) allHavePriority = false
  const complaints: Array<string> = []
  createInterface(child.stderr!).on("line", (line) => complaints.push(line))
  return { name, child, output: createInterface(child.stdout!), complaints }
}

/** Waits for what the process says, or for its end, which is a failure. */
const unlessItEnds = <A>({ child, complaints, name }: PinnedProcess, said: (take: (what: A) => void) => void) =>
  new Promise<A>((take, fail) => {
    const ended = (why: string) => fail(new Error(`${name} ${why}\n${complaints.join("\n")}`.trimEnd()))
    const onError = (error: Error) => ended(`fails: ${error.message}`)
    const onExit = (code: number | null) => ended(`has ended with ${code === null ? "a signal" : `exit code ${code}`}`)
    child.once("error", onError)
    child.once("close", onExit)
    said((what) => {
      child.off("error", onError)
      child.off("close", onExit)
      take(what)
    })
  })

export const nextMessage = <A>(self: PinnedProcess): Promise<A> =>
  unlessItEnds<A>(self, (take) => self.child.once("message", (message) => take(message as A)))

/** Its first line on stdout that begins so. */
export const firstLine = (self: PinnedProcess, beginning: string): Promise<string> =>
  unlessItEnds(self, (take) => {
    const onLine = (line: string) => {
      if (!line.startsWith(beginning)) return
      self.output.off("line", onLine)
      take(line)
    }
    self.output.on("line", onLine)
  })

/** The process is gone when this has run. */
export const end = async ({ child }: PinnedProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  child.kill("SIGKILL")
  await ended
}
