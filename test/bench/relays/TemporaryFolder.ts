import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

/** A folder that is gone when it is removed, or when the benchmark ends. */
export interface TemporaryFolder {
  readonly path: string
  readonly remove: () => void
}

export const make = (): TemporaryFolder => {
  const path = Fs.mkdtempSync(Path.join(Os.tmpdir(), "tandem-bench-"))
  const removeFolder = () => Fs.rmSync(path, { recursive: true, force: true })
  process.once("exit", removeFolder)
  return {
    path,
    remove: () => {
      process.off("exit", removeFolder)
      removeFolder()
    }
  }
}
