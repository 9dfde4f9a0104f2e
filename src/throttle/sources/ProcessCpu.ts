import { Context, Layer } from "effect"

/** CPU that the thread which forwards has used since it started. Milliseconds; `undefined`: the system does not tell. */
export class ProcessCpu extends Context.Service<ProcessCpu, { readonly read: () => number | undefined }>()(
  "tandem/throttle/sources/ProcessCpu"
) {
  /** Of the thread that asks; before Node 23.9 of the whole process, in which little else computes. */
  static readonly layer = Layer.sync(ProcessCpu, () => {
    const usage = process.threadCpuUsage ?? process.cpuUsage
    return {
      read: () => {
        const { system, user } = usage()
        return (user + system) / 1000
      }
    }
  })
}
