import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Inspector from "../Inspector.ts"
import { fleetKey } from "../load/TandemParticipant.ts"
import * as PinnedProcess from "../PinnedProcess.ts"
import type { Relay } from "./Relay.ts"

const program = Path.join(import.meta.dirname, "../../../src/cli/main.ts")

/** The relay as `tandem run` starts it, with nothing changed but where it listens. */
export const relay: Relay = {
  name: "tandem, portable socket",
  language: "tandem",
  start: async ({ core, inspected }) => {
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "tandem-bench-"))
    const removeFolder = () => Fs.rmSync(folder, { recursive: true, force: true })
    process.once("exit", removeFolder)
    const keys = Path.join(folder, "keys.json")
    const secret = Buffer.from(fleetKey.secret).toString("base64url")
    Fs.writeFileSync(keys, JSON.stringify({ keys: [{ id: fleetKey.id, secret }] }))

    const flags = inspected ? ["--inspect=127.0.0.1:0"] : []
    const where = ["--host", "127.0.0.1", "--port", "0", "--admin-port", "0", "--keys", keys]
    const tandem = PinnedProcess.start({
      name: relay.name,
      command: [process.execPath, ...flags, program, "run", "--json", ...where],
      core,
      cwd: folder
    })
    const ready = JSON.parse(await PinnedProcess.firstLine(tandem)) as {
      readonly address: string
      readonly http: string
    }
    const [host, port] = ready.address.split(":") as [string, string]
    const get = async (path: string) => (await fetch(ready.http + path)).json() as Promise<Record<string, number>>
    const url = tandem.complaints.map(Inspector.parseUrl).find((url) => url !== undefined)
    const inspector = url === undefined ? undefined : await Inspector.connect(url)
    return {
      pid: tandem.child.pid!,
      place: { host, port: Number(port) },
      packetsOut: async () => (await get("/work"))["packetsOut"]!,
      participants: async () => (await get("/healthz"))["participants"]!,
      collect: () =>
        inspector === undefined
          ? Promise.reject(new Error(`${relay.name} was not started to be inspected`))
          : inspector.collect(),
      end: async () => {
        inspector?.close()
        await PinnedProcess.end(tandem)
        process.off("exit", removeFolder)
        removeFolder()
      }
    }
  }
}
