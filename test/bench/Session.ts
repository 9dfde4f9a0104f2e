import type { Figure } from "./Figure.ts"
import * as LoadGenerator from "./load/LoadGenerator.ts"
import type { Cores } from "./Machine.ts"
import * as PinnedProcess from "./PinnedProcess.ts"
import { NotAvailable } from "./relays/Relay.ts"
import * as Relays from "./relays/Relays.ts"
import * as Cases from "./rows/Cases.ts"
import * as ForwardingRows from "./rows/ForwardingRows.ts"
import * as GcRows from "./rows/GcRows.ts"
import type * as InProcess from "./rows/InProcess.ts"
import * as InProcessRows from "./rows/InProcessRows.ts"
import * as JoinedRows from "./rows/JoinedRows.ts"
import * as MemoryRows from "./rows/MemoryRows.ts"
import * as Verdict from "./rows/Verdict.ts"
import type { Sizes } from "./Sizes.ts"

/** One session of the benchmark: what is compared is measured in turns, the rest behind it. */

export interface Wanted {
  /** A part of the names that are wanted. */
  readonly only: string
  readonly sizes: Sizes
  readonly cores: Cores
  /** No round begins later. Milliseconds of `performance.now()`. */
  readonly roundsBeginUntilMs: number
}

/** Every relay under every load. */
export const measureForwarding = async ({ cores, only, roundsBeginUntilMs, sizes }: Wanted) => {
  const wanted = Cases.cases.filter(({ beside, name }) => name.includes(only) || beside?.name.includes(only) === true)
  const measured = ForwardingRows.plan(wanted)
  const relays = new Set(wanted.flatMap(({ relays }) => relays))
  const { missing, running } = await Relays.startAll(relays, cores.relay)
  const generator = LoadGenerator.start(cores.load)
  const inProcess = PinnedProcess.start({
    name: "forwardBatch",
    command: [process.execPath, `${import.meta.dirname}/rows/InProcess.ts`],
    core: cores.relay
  })
  const { batches, capacityRuns, rounds, timing, warmUpMs } = sizes
  if (warmUpMs > 0) await ForwardingRows.warmUp(measured, running, generator, { ...timing, measureMs: warmUpMs })
  const capacity = await ForwardingRows.capacityOfC(running, generator, timing, capacityRuns)
  const inProcessRounds: Array<InProcessRows.Round> = []
  for (let round = 0; round < rounds; round++) {
    if (performance.now() > roundsBeginUntilMs) break
    await ForwardingRows.measureRound(measured, running, generator, timing, capacity)
    const answered = PinnedProcess.nextMessage<InProcessRows.Round>(inProcess)
    inProcess.child.send({ only, batches } satisfies InProcess.Order)
    inProcessRounds.push(await answered)
  }
  await Promise.all([generator.end(), PinnedProcess.end(inProcess), ...[...running.values()].map(({ end }) => end())])
  return {
    capacity,
    missing,
    rounds: inProcessRounds.length,
    rows: measured.flatMap((each) => Verdict.rowsOf(each, missing)),
    inProcess: InProcessRows.figuresOf(inProcessRounds)
  }
}

const isWanted = ({ only }: Wanted, name: string): boolean => name.includes(only)

/** A few who are active among many who have joined. */
export const measureJoined = async (wanted: Wanted): Promise<JoinedRows.Joined | undefined> => {
  if (!isWanted(wanted, "joined")) return undefined
  const { cores, sizes } = wanted
  return JoinedRows.measure(sizes.joined, sizes.memory.idleMs, sizes.rounds, sizes.timing, cores)
}

export const measureGc = async (wanted: Wanted): Promise<GcRows.Gc | { readonly notMeasured?: string }> => {
  if (!isWanted(wanted, "garbage collection")) return {}
  const { cores, sizes } = wanted
  const { calls, pace } = Cases.capacity
  try {
    return await GcRows.measure(calls, pace, { ...sizes.timing, measureMs: sizes.gcMs }, cores)
  } catch (error) {
    if (!(error instanceof NotAvailable)) throw error
    return { notMeasured: error.message }
  }
}

/** All at the same time, on all cores: here nobody looks at the clock. */
export const measureMemory = async (wanted: Wanted): Promise<ReadonlyArray<Figure> | undefined> => {
  if (!isWanted(wanted, "idle")) return undefined
  const { cores, sizes } = wanted
  const swapped = { relay: cores.load, load: cores.relay }
  const figures = await Promise.all(
    sizes.memoryCases.map((load, index) => MemoryRows.measure(load, sizes.memory, index % 2 === 0 ? cores : swapped))
  )
  return figures.flat()
}
