import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import type { TestContext } from "vitest"
import * as Processes from "../cli/Processes.ts"

/** A process that a test has started. When the test ends, so does it. */
export interface Program {
  /** The first line on stdout or stderr, past or future, that `find` makes something of. */
  readonly line: <A>(find: (line: string) => A | undefined) => Promise<A>
  /** Resolves when it has ended, whatever its exit code. */
  readonly ended: Promise<Processes.Ended>
  /** Asks it to end, and waits until it has. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Processes.Ended>
}

/** How long a line is waited for: many processes starting at once on a slow machine. Milliseconds. */
const lineMsMax = 40_000

/** Starts a program in a folder. `within` comes before its name: a command that puts it somewhere. */
export const start = (
  context: TestContext,
  folder: string,
  [program, ...args]: readonly [string, ...ReadonlyArray<string>],
  within: ReadonlyArray<string> = []
): Program => {
  const [first, ...rest] = [...within, program, ...args]
  const child = spawn(first!, rest, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
  return follow(context, `${program} ${args.join(" ")}`, child)
}

/** Takes care of a child process that is there already. */
export const follow = (context: TestContext, name: string, child: ChildProcess): Program => {
  const ended = Processes.ended(child)
  const lines: Array<string> = []
  const waiting = new Set<() => void>()
  for (const output of [child.stdout!, child.stderr!]) {
    createInterface(output).on("line", (line) => {
      lines.push(line)
      for (const look of waiting) look()
    })
  }

  const line = <A>(find: (line: string) => A | undefined): Promise<A> =>
    new Promise((resolve, reject) => {
      let seen = 0
      const settle = (how: () => void) => {
        waiting.delete(look)
        clearTimeout(timer)
        how()
      }
      const look = () => {
        while (seen < lines.length) {
          const found = find(lines[seen++]!)
          if (found !== undefined) return settle(() => resolve(found))
        }
      }
      const giveUp = (why: string) =>
        settle(() => reject(new Error(`${name} ${why} without the line that was waited for:\n${lines.join("\n")}`)))
      const timer = setTimeout(() => giveUp(`ran for ${lineMsMax} ms`), lineMsMax)
      waiting.add(look)
      look()
      void ended.then(() => giveUp("ended"))
    })

  const stop = (signal: NodeJS.Signals = "SIGTERM") => {
    child.kill(signal)
    return ended
  }
  context.onTestFinished(async () => {
    await stop("SIGKILL")
  })
  return { line, ended, stop }
}

/** Makes a JSON object of the line, if it is one that fits. */
export const json =
  <A>(fits: (value: A & Readonly<Record<string, unknown>>) => boolean) =>
  (line: string): A | undefined => {
    if (!line.startsWith("{")) return undefined
    const value = JSON.parse(line) as A & Readonly<Record<string, unknown>>
    return fits(value) ? value : undefined
  }
