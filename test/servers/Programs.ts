import * as Fs from "node:fs"
import * as Path from "node:path"

const debianFolder = "/usr/lib/postgresql"

/** Debian keeps several versions beside each other, out of PATH. Elsewhere they are found by name. */
const postgresFolder = (): string => {
  const versions = Fs.existsSync(debianFolder) ? Fs.readdirSync(debianFolder) : []
  const newest = versions
    .map(Number)
    .filter(Number.isInteger)
    .sort((left, right) => left - right)
    .at(-1)
  return newest === undefined ? "" : Path.join(debianFolder, `${newest}`, "bin")
}

/** What to run for one of Postgres's programs. */
export const postgresProgram = (name: "initdb" | "postgres"): string => Path.join(postgresFolder(), name)
