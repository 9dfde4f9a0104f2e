import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as TemporaryFolder from "../../bench/relays/TemporaryFolder.ts"
import type { Key } from "../generator/Order.ts"
import * as Database from "./Database.ts"
import * as Firewall from "./Firewall.ts"
import * as RelayProcess from "./RelayProcess.ts"

/** How the relays stand to each other and to devices. */
export type Setting =
  /** Each is known to the devices by its own address. */
  | "cluster"
  /** All are behind one address. */
  | "balanced"
  /** There is one, which keeps its calls in a file. */
  | "single"

export interface Fleet {
  readonly setting: Setting
  readonly relays: ReadonlyArray<RelayProcess.RelayProcess>
  readonly database: Database.Database
  readonly key: Key
  /** Where the members of a relay join: its address, or that of all of them. */
  readonly doors: () => ReadonlyArray<string>
  readonly end: () => Promise<void>
}

const size = 5

/** Behind one address, the relays still tell each other and the devices their own. */
const argsOf = (setting: Setting, url: string, host: string): ReadonlyArray<string> =>
  setting === "single" ? ["--state", url] : ["--cluster", url, "--cluster-host", host, "--cluster-port", "0"]

/** Ready when this has run. Everything of it is gone when it has ended, or when this process has. */
export const start = async (setting: Setting, kind: Database.DatabaseKind): Promise<Fleet> => {
  const folder = TemporaryFolder.make()
  const key = { id: "chaos", secret: randomBytes(32).toString("base64url") }
  const keyFile = Path.join(folder.path, "keys.json")
  Fs.writeFileSync(keyFile, JSON.stringify({ keys: [key] }))

  const database = await Database.start(setting === "single" ? "sqlite" : kind, folder.path)
  const argsAt = (host: string) => ["--keys", keyFile, ...argsOf(setting, database.url, host)]
  const relays = Array.from({ length: setting === "single" ? 1 : size }, (_, place) => RelayProcess.make(place, argsAt))
  const end = async () => {
    await Promise.all(relays.map(RelayProcess.kill))
    await database.resume()
    await database.end()
    if (setting === "balanced") Firewall.balanceNothing()
    folder.remove()
  }
  try {
    // One after another: the first makes the tables.
    for (const relay of relays) await RelayProcess.start(relay)
  } catch (error) {
    await end()
    throw error
  }
  const stations = () => relays.map(({ station }) => station)
  if (setting === "balanced") Firewall.balance(stations())
  const doors = () =>
    setting === "balanced"
      ? relays.map(() => `${Firewall.balancerHost}:${Firewall.balancerPort}`)
      : relays.map(({ address }) => address)
  return { setting, relays, database, key, doors, end }
}

/** The relays that run again. */
export const restart = async ({ relays }: Fleet): Promise<void> => {
  for (const relay of relays) if (RelayProcess.hasEnded(relay)) await RelayProcess.start(relay)
}
