import * as GcTrace from "../GcTrace.ts"
import * as Limit from "../Limit.ts"
import type { Calls, Pace, Timing } from "../load/LoadOrder.ts"
import * as LoadGenerator from "../load/LoadGenerator.ts"
import type { Cores } from "../Machine.ts"
import * as TandemRelay from "../relays/TandemRelay.ts"

/** Garbage collection of a relay under load, in a process whose other figures do not count: it writes about itself. */
export interface Gc {
  readonly relay: string
  /** Of load. */
  readonly seconds: number
  readonly packetsPerSecond: number
  readonly pauses: number
  readonly longestPauseMs: number
  readonly totalPauseMs: number
  /** On V8's heap. What was allocated after the last collection is not in it; missing without two collections. */
  readonly allocatedBytesPerMillionPackets?: number
  readonly limits: ReadonlyArray<Limit.Limit>
}

/** Tandem's promise. Milliseconds. */
const longestPauseMsMax = 5

export const measure = async (
  calls: Calls,
  pace: Pace,
  timing: Timing,
  cores: Pick<Cores, "relay" | "load">
): Promise<Gc> => {
  const { language, name } = TandemRelay.batched
  const relay = await TandemRelay.start("batched", { core: cores.relay, nodeFlags: GcTrace.nodeFlags })
  const generator = LoadGenerator.start(cores.load)
  try {
    const order = { language, relay: relay.place, pid: relay.pid, calls, pace }
    // What the start leaves behind, and code that is not compiled yet, are not what is measured.
    await generator.run({ ...order, timing: { ...timing, measureMs: timing.measureMs / 5 } })
    const collections: Array<GcTrace.Collection> = []
    relay.onLine((line) => {
      const collection = GcTrace.parse(line)
      if (collection !== undefined) collections.push(collection)
    })
    const { packetsPerSecond, received } = await generator.run({ ...order, timing })
    const pausesMs = collections.map(({ pauseMs }) => pauseMs)
    const longestPauseMs = Math.max(0, ...pausesMs)
    // The first tells of what was allocated before, too.
    const allocated = collections.slice(1).reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0)
    return {
      relay: name,
      seconds: (timing.warmUpMs + timing.measureMs) / 1000,
      packetsPerSecond,
      pauses: pausesMs.length,
      longestPauseMs,
      totalPauseMs: pausesMs.reduce((sum, ms) => sum + ms, 0),
      ...(collections.length > 1 ? { allocatedBytesPerMillionPackets: (allocated / received) * 1e6 } : {}),
      limits: [Limit.on("longest pause, ms", longestPauseMsMax, longestPauseMs)]
    }
  } finally {
    await generator.end()
    await relay.end()
  }
}
