import type { Timing } from "./load/LoadOrder.ts"
import * as MemoryRows from "./rows/MemoryRows.ts"

/** How much is measured: enough to judge by, or only that everything runs. */
export interface Sizes {
  readonly rounds: number
  /** Of one relay under one load. */
  readonly timing: Timing
  /** Before the first round, of each relay under each load that keeps it busy. Milliseconds. */
  readonly warmUpMs: number
  /** Runs that say what the C reference forwards at most. */
  readonly capacityRuns: number
  /** Of one round of `forwardBatch`. */
  readonly batches: number
  /** Participants, most of them silent. */
  readonly joined: number
  /** Under load while garbage collections are counted. Milliseconds. */
  readonly gcMs: number
  readonly memory: MemoryRows.Size
  readonly memoryCases: ReadonlyArray<MemoryRows.Case>
}

export const full: Sizes = {
  rounds: 5,
  timing: { warmUpMs: 250, measureMs: 800, drainMs: 100 },
  warmUpMs: 1000,
  capacityRuns: 3,
  batches: 4000,
  joined: 10_000,
  gcMs: 10_000,
  memory: { participantsBefore: 200, participants: 10_000, idleMs: 20_000, settleMs: 1000 },
  memoryCases: MemoryRows.cases
}

export const smoke: Sizes = {
  rounds: 1,
  timing: { warmUpMs: 10, measureMs: 40, drainMs: 10 },
  warmUpMs: 0,
  capacityRuns: 1,
  batches: 50,
  joined: 96,
  gcMs: 200,
  memory: { participantsBefore: 8, participants: 64, idleMs: 100, settleMs: 0 },
  // The one that does the most.
  memoryCases: MemoryRows.cases.slice(-1)
}
