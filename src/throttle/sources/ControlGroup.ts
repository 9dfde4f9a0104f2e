import { Context, Effect, Layer } from "effect"
import * as ProcFile from "./ProcFile.ts"

/** What a container lets its processes have, and what they have used of it. */
export interface GroupUse {
  /** CPU of all processes in it, since it was made. Milliseconds. */
  readonly cpuMs: number | undefined
  /** So many processors at once; `undefined`: as many as there are. */
  readonly cpuMax: number | undefined
  /** `undefined`: as much as there is. Bytes. */
  readonly memoryMaxBytes: number | undefined
}

/**
 * The limits of the control group that the process is in, version 2 (cgroups(7)), as containers set them; `undefined`: there is
 * none. They may change while it runs.
 */
export class ControlGroup extends Context.Service<ControlGroup, { readonly read: () => GroupUse | undefined }>()(
  "tandem/throttle/sources/ControlGroup"
) {
  /** `root`: where control groups are to be seen. */
  static readonly layerAt = (root: string, self: string) =>
    Layer.effect(
      ControlGroup,
      Effect.gen(function* () {
        const said = (yield* ProcFile.open(self))()
        const folder = said === undefined ? undefined : pathOf(said)
        const at = folder === undefined || folder === "/" ? root : `${root}${folder}`
        const cpuMax = yield* ProcFile.open(`${at}/cpu.max`)
        const cpuStat = yield* ProcFile.open(`${at}/cpu.stat`)
        const memoryMax = yield* ProcFile.open(`${at}/memory.max`)
        return {
          read: () => {
            const [cpu, stat, memory] = [cpuMax(), cpuStat(), memoryMax()]
            if (cpu === undefined && memory === undefined) return undefined
            return {
              cpuMs: stat === undefined ? undefined : usageMsOf(stat),
              cpuMax: cpu === undefined ? undefined : processorsOf(cpu),
              memoryMaxBytes: memory === undefined ? undefined : bytesOf(memory)
            }
          }
        }
      })
    )

  static readonly layer = ControlGroup.layerAt("/sys/fs/cgroup", "/proc/self/cgroup")
}

/** Of /proc/self/cgroup: "0::/kubepods/pod1" is version 2. In a container of its own it is "/". */
export const pathOf = (text: string): string | undefined => /^0::(\/.*)$/m.exec(text)?.[1]

/** Of cpu.max: quota and period in microseconds, "50000 100000"; "max 100000" is no limit. */
export const processorsOf = (text: string): number | undefined => {
  const [quota, period] = text.trim().split(" ").map(Number)
  return quota! > 0 && period! > 0 ? quota! / period! : undefined
}

/** Of cpu.stat. */
export const usageMsOf = (text: string): number | undefined => {
  const usage = /^usage_usec (\d+)$/m.exec(text)
  return usage === null ? undefined : Number(usage[1]) / 1000
}

/** Of memory.max: bytes, or "max". */
export const bytesOf = (text: string): number | undefined => {
  const bytes = Number(text.trim())
  return bytes > 0 ? bytes : undefined
}
