import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { createInterface } from "node:readline"

/** The command line of this clone. */
export const tandem = [process.execPath, Path.join(import.meta.dirname, "../../bin/tandem.js")] as const

/** What a process has said and how it ended. */
export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export const temporaryFolder = (): string => Fs.mkdtempSync(Path.join(Os.tmpdir(), "tandem-cli-"))

/** Starts `tandem ARGS` in a folder, with an environment that has nothing of ours in it. */
export const start = (folder: string, args: ReadonlyArray<string>, env: Record<string, string> = {}): ChildProcess =>
  spawn(tandem[0], [tandem[1], ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })

/** Everything that a process says, and its end. */
export const ended = async (child: ChildProcess): Promise<Ended> => {
  let stdout = ""
  let stderr = ""
  child.stdout!.on("data", (chunk) => (stdout += String(chunk)))
  child.stderr!.on("data", (chunk) => (stderr += String(chunk)))
  const [exitCode] = (await once(child, "close")) as [number | null]
  return { exitCode, stdout, stderr }
}

export const run = (folder: string, args: ReadonlyArray<string>, env?: Record<string, string>): Promise<Ended> =>
  ended(start(folder, args, env))

/** A relay on free ports, ready. It must be stopped. */
export const startRelay = async (folder: string, ...args: ReadonlyArray<string>) => {
  const host = args.includes("--host") ? [] : ["--host", "127.0.0.1"]
  const child = start(folder, [
    "run",
    "--json",
    "--throttle",
    "off",
    ...host,
    "--port",
    "0",
    "--admin-port",
    "0",
    ...args
  ])
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string]
  const { address, http } = JSON.parse(line) as { readonly address: string; readonly http: string }
  return {
    address,
    http,
    pid: child.pid!,
    stop: async (): Promise<number | null> => {
      if (child.exitCode !== null) return child.exitCode
      child.kill("SIGTERM")
      const [exitCode] = (await once(child, "exit")) as [number | null]
      return exitCode
    }
  }
}

/** What `tandem run --processes` says of one relay. */
export interface RelayOfSeveral {
  readonly relay: string
  readonly address: string
  readonly http: string
  readonly pid: number
}

/** Several relays on free ports, ready. They must be stopped. */
export const startRelays = async (folder: string, count: number, ...args: ReadonlyArray<string>) => {
  const ports = ["--host", "127.0.0.1", "--port", "0", "--admin-port", "0"]
  const child = start(folder, ["run", "--json", "--throttle", "off", "--processes", String(count), ...ports, ...args])
  const log: Array<string> = []
  createInterface(child.stderr!).on("line", (line) => log.push(line))
  const failed = once(child, "exit").then(() => Promise.reject(new Error(`no relays: ${log.join("\n")}`)))
  const [line] = (await Promise.race([once(createInterface(child.stdout!), "line"), failed])) as [string]
  failed.catch(() => undefined)
  const { relays } = JSON.parse(line) as { readonly relays: ReadonlyArray<RelayOfSeveral> }
  return {
    relays,
    pid: child.pid!,
    log,
    /** Sends the signal. Returns the exit code, and how long all took to end. */
    stop: async (signal: NodeJS.Signals = "SIGTERM") => {
      const startedAtMs = performance.now()
      if (child.exitCode === null) {
        child.kill(signal)
        await once(child, "exit")
      }
      return { exitCode: child.exitCode, tookMs: performance.now() - startedAtMs }
    }
  }
}

/** Of another's child, too. */
export const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Looks until it is so. */
export const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resume) => setTimeout(resume, 50))
}
