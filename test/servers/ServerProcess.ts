import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { createInterface } from "node:readline"

/** How to run somebody's server for a test. */
export interface Program {
  readonly name: string
  /** Fills the folder, which belongs to whom the server runs as, before the first start. */
  readonly prepare?: (folder: string) => void
  readonly command: (folder: string, port: number) => ReadonlyArray<string>
  /** What a line of its output says when it answers. */
  readonly ready: RegExp
  /** Ends it at once, without waiting for whoever is connected. */
  readonly stopSignal: NodeJS.Signals
}

/** A server of its own on 127.0.0.1, with its files in a temporary folder. Both are gone with the scope. */
export interface ServerProcess {
  readonly port: number
  /** Nothing of it runs any more, but its connections stay open: it is there and answers nobody. */
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
  /** Ends it; what it has written is kept. */
  readonly stop: Effect.Effect<void>
  /** At the same port again. */
  readonly start: Effect.Effect<void>
}

/** Databases refuse to run as root. */
export const nobody = { uid: 65_534, gid: 65_534 }
const isRoot = process.getuid?.() === 0

/** As nobody if this is root. Ended if this process dies before it could end it. */
export const asNobody = (command: ReadonlyArray<string>): ReadonlyArray<string> => {
  const identity = isRoot ? [`--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, "--clear-groups"] : []
  return ["setpriv", "--pdeathsig=QUIT", ...identity, "--", ...command]
}

const freePort = async (): Promise<number> => {
  const server = Net.createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as Net.AddressInfo
  server.close()
  await once(server, "close")
  return port
}

const makeFolder = (name: string): string => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), `tandem-${name}-`))
  if (isRoot) Fs.chownSync(folder, nobody.uid, nobody.gid)
  return folder
}

/** The process and those that it has started, which may be in process groups of their own. */
const signalAll = (pid: number, signal: NodeJS.Signals): void => {
  const children = Fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean)
  for (const each of [pid, ...children.map(Number)]) {
    try {
      process.kill(each, signal)
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Resolves when the server answers; says what it said if it ends instead. */
const untilReady = async (child: ChildProcess, { name, ready }: Program): Promise<void> => {
  const said: Array<string> = []
  await new Promise<void>((resolve, reject) => {
    const listen = (line: string): void => {
      said.push(line)
      if (ready.test(line)) resolve()
    }
    createInterface(child.stdout!).on("line", listen)
    createInterface(child.stderr!).on("line", listen)
    child.once("error", reject)
    child.once("exit", () => reject(new Error(`${name} has ended: ${said.join("\n")}`)))
  })
}

const launch = async (program: Program, folder: string, port: number): Promise<ChildProcess> => {
  const [command, ...args] = asNobody(program.command(folder, port))
  const child = spawn(command!, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
  await untilReady(child, program)
  return child
}

const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, "exit")
  signalAll(child.pid!, "SIGCONT")
  child.kill(signal)
  await exited
}

/** Somebody else may take the port before the server does. */
const attempts = 3

const launchSomewhere = async (program: Program, folder: string) => {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { port, child: await launch(program, folder, port) }
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}

export const make = Effect.fnUntraced(function* (
  program: Program
): Effect.fn.Return<ServerProcess, never, Scope.Scope> {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => makeFolder(program.name)),
    (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
  )
  program.prepare?.(folder)
  const server = yield* Effect.acquireRelease(
    Effect.promise(() => launchSomewhere(program, folder)),
    (server) => Effect.promise(() => end(server.child, program.stopSignal))
  )
  return {
    port: server.port,
    pause: Effect.sync(() => signalAll(server.child.pid!, "SIGSTOP")),
    resume: Effect.sync(() => signalAll(server.child.pid!, "SIGCONT")),
    stop: Effect.promise(() => end(server.child, program.stopSignal)),
    start: Effect.promise(async () => {
      server.child = await launch(program, folder, server.port)
    })
  }
})
