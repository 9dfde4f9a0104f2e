import { Context, Layer } from "effect"
import * as Os from "node:os"

/** Bytes. */
export interface MemoryUse {
  readonly residentBytes: number
  /** Of the machine. */
  readonly machineBytes: number
}

/** Memory that the process has; `undefined`: the system does not tell. */
export class ProcessMemory extends Context.Service<ProcessMemory, { readonly read: () => MemoryUse | undefined }>()(
  "tandem/throttle/sources/ProcessMemory"
) {
  static readonly layer = Layer.sync(ProcessMemory, () => {
    const machineBytes = Os.totalmem()
    return { read: () => ({ residentBytes: process.memoryUsage.rss(), machineBytes }) }
  })
}
