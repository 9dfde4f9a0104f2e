import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { createInterface } from "node:readline"

/** The command line of this clone. */
export const tandem = [process.execPath, Path.join(import.meta.dirname, "../../src/cli/main.ts")] as const

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
  const child = start(folder, ["run", "--json", ...host, "--port", "0", "--admin-port", "0", ...args])
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
