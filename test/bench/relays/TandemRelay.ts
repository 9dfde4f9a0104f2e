import * as Fs from "node:fs"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { SocketKind } from "../../../src/server/Network.ts"
import * as Inspector from "../Inspector.ts"
import { fleetKey } from "../load/TandemParticipant.ts"
import * as PinnedProcess from "../PinnedProcess.ts"
import { NotAvailable, type Relay, type RunningRelay, type StartOptions } from "./Relay.ts"
import * as TemporaryFolder from "./TemporaryFolder.ts"

const program = Path.join(import.meta.dirname, "../../../bin/tandem.js")

/** What the relay says of a machine that does not have the socket that was asked for. */
const notToBeHad = "--socket batched cannot be had: "

/**
 * A relay counts its own age in whole seconds, and in the first of them may ask for a cookie a second time, which the load
 * generator's participants take for a refusal. Milliseconds.
 */
const firstSecondMs = 1000

export interface RunningTandem extends RunningRelay {
  /** How datagrams travel, in the relay's own words. */
  readonly socket: string
  readonly participants: () => Promise<number>
  /** Collects garbage. Of one that was started with `inspected` only. */
  readonly collect: () => Promise<Inspector.HeapUse>
  /** Lines on stdout from now on. */
  readonly onLine: (take: (line: string) => void) => void
}

/** What Node is told, to look into the process. */
export const inspected = ["--inspect=127.0.0.1:0"]

export interface TandemOptions extends StartOptions {
  readonly nodeFlags?: ReadonlyArray<string>
  /** Where calls are kept: "postgres://...". Left out: in a file. */
  readonly state?: string
}

/** The relay as `tandem run` starts it, with nothing changed but where it listens and what it says about itself. */
export const start = async (
  socket: SocketKind,
  { core, nodeFlags = [], state }: TandemOptions
): Promise<RunningTandem> => {
  const folder = TemporaryFolder.make()
  const keys = Path.join(folder.path, "keys.json")
  const secret = Buffer.from(fleetKey.secret).toString("base64url")
  Fs.writeFileSync(keys, JSON.stringify({ keys: [{ id: fleetKey.id, secret }] }))

  const where = ["--host", "127.0.0.1", "--port", "0", "--admin-port", "0", "--keys", keys]
  const kept = state === undefined ? [] : ["--state", state]
  const tandem = PinnedProcess.start({
    name: `tandem, ${socket}`,
    command: [
      process.execPath,
      ...PinnedProcess.flagsOfRelay(core),
      ...nodeFlags,
      program,
      "run",
      "--json",
      "--throttle",
      "off",
      "--socket",
      socket,
      ...where,
      ...kept
    ],
    core,
    cwd: folder.path
  })
  const end = async () => {
    await PinnedProcess.end(tandem)
    folder.remove()
  }
  const line = await PinnedProcess.firstLine(tandem, "{").catch(async (error: unknown) => {
    await end()
    const why = tandem.complaints.find((line) => line.includes(notToBeHad))
    throw why === undefined ? error : new NotAvailable(why.slice(why.indexOf(notToBeHad)))
  })
  const ready = JSON.parse(line) as { readonly address: string; readonly http: string; readonly socket: string }
  const [host, port] = ready.address.split(":") as [string, string]
  const get = async (path: string) => (await fetch(ready.http + path)).json() as Promise<Record<string, number>>
  const url = tandem.complaints.map(Inspector.parseUrl).find((url) => url !== undefined)
  const inspector = url === undefined ? undefined : await Inspector.connect(url)
  await sleep(firstSecondMs)
  return {
    pid: tandem.child.pid!,
    place: { host, port: Number(port) },
    socket: ready.socket,
    packetsOut: async () => (await get("/work"))["packetsOut"]!,
    participants: async () => (await get("/healthz"))["participants"]!,
    collect: () =>
      inspector === undefined
        ? Promise.reject(new Error("the relay was not started to be inspected"))
        : inspector.collect(),
    onLine: (take) => void tandem.output.on("line", take),
    end: async () => {
      inspector?.close()
      await end()
    }
  }
}

const relayOf = (socket: SocketKind): Relay => ({
  name: `tandem, ${socket}`,
  language: "tandem",
  start: (options) => start(socket, options)
})

/** 64 datagrams in one system call. */
export const batched = relayOf("batched")

/** Node's own UDP socket. */
export const portable = relayOf("portable")
