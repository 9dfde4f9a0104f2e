import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

/**
 * A network of its own: a loopback interface that nobody else uses, and a firewall that harms nobody else. Whatever is in
 * it ends with it.
 */

const marker = "TANDEM_CHAOS_NAMESPACE"

export const isInside = (): boolean => process.env[marker] !== undefined

/** Debian keeps `nft`, `ip` and `conntrack` where the PATH of people does not lead. */
const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`

const programs = [
  { program: "setpriv", package: "util-linux" },
  { program: "unshare", package: "util-linux" },
  { program: "ip", package: "iproute2" },
  { program: "nft", package: "nftables" },
  { program: "conntrack", package: "conntrack" }
]

/** What has to be installed, a line each. */
export const missing = (): ReadonlyArray<string> =>
  programs
    .filter(({ program }) => spawnSync(program, ["--version"], { env: { PATH: path } }).error !== undefined)
    .map(({ package: name, program }) => `${program} is not there: install ${name}`)

/** Root is root in it; others keep who they are, which databases insist on, and get the rights over the network only. */
const unshare =
  process.getuid?.() === 0 ? ["unshare", "--net"] : ["unshare", "--map-current-user", "--keep-caps", "--net"]

/** Of all that is written, by whoever is in the network, database servers as well, which are somebody else. */
const makeFolder = (): string => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "tandem-chaos-"))
  Fs.chmodSync(folder, 0o711)
  return folder
}

/**
 * Runs this program once more, with the same arguments, in a network of its own. Returns its exit code, when nothing of it
 * is left, however it has ended.
 */
export const runInside = async (): Promise<number> => {
  const folder = makeFolder()
  const command = ["setpriv", "--pdeathsig", "KILL", "--", ...unshare, "--", process.execPath, ...process.argv.slice(1)]
  const child = spawn(command[0]!, command.slice(1), {
    env: { ...process.env, PATH: path, TMPDIR: folder, [marker]: "1" },
    stdio: "inherit"
  })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal))
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null]
  // A server that ends with it may still write.
  Fs.rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  return code ?? 128 + Os.constants.signals[signal!]
}
