import * as Fs from "node:fs"
import * as Path from "node:path"
import { processorTimes } from "../../src/demo/MachineStalls.ts"
import type { Cores } from "../bench/Machine.ts"
import * as PinnedProcess from "../bench/PinnedProcess.ts"
import * as ProcessFiles from "../bench/ProcessFiles.ts"
import { nowMs } from "../chaos/ChaosEvent.ts"
import type * as Order from "./Order.ts"

/** What the relay's process is and does, now. */
export interface RelaySample {
  /** Monotonic, milliseconds. */
  readonly atMs: number
  readonly residentBytes: number
  /** Of one core, since it was started. */
  readonly cpuSeconds: number
  /** Datagrams since it was started. */
  readonly packetsIn: number
  readonly packetsOut: number
  /** What the host has taken away of the relay's core and of the callers', since the machine was started. Milliseconds. */
  readonly stolenMs: number
}

/** The relay of a round, on a core of its own. */
export interface RelayUnderTest {
  readonly address: string
  readonly sample: () => Promise<RelaySample>
  readonly end: () => Promise<void>
}

const program = Path.join(import.meta.dirname, "RelayProcess.ts")

/** As bin/tandem.js begins: it pauses for its garbage as a relay in service does. */
const heap = Path.join(import.meta.dirname, "../../bin/heap.js")

/** Of all cores, where each may run on any. */
const stolenMsOf = ({ load, relay }: Cores): number =>
  processorTimes(Fs.readFileSync("/proc/stat", "latin1"))
    .filter((_, core) => relay === undefined || core === relay || core === load)
    .reduce((sum, { stolenMs }) => sum + stolenMs, 0)

export const start = async (order: Order.RelayOrder, cores: Cores): Promise<RelayUnderTest> => {
  const relay = PinnedProcess.start({
    name: "the relay",
    command: [process.execPath, ...PinnedProcess.flagsOfRelay(cores.relay), "--import", heap, program],
    core: cores.relay
  })
  const end = () => PinnedProcess.end(relay)
  try {
    relay.child.send(order)
    const { address, http } = await PinnedProcess.nextMessage<Order.RelayReady>(relay)
    const pid = relay.child.pid!
    return {
      address,
      sample: async () => {
        const work = (await (await fetch(`${http}/work`)).json()) as Pick<RelaySample, "packetsIn" | "packetsOut">
        return {
          atMs: nowMs(),
          residentBytes: ProcessFiles.residentBytes(pid),
          cpuSeconds: ProcessFiles.cpuSeconds(pid),
          packetsIn: work.packetsIn,
          packetsOut: work.packetsOut,
          stolenMs: stolenMsOf(cores)
        }
      },
      end
    }
  } catch (error) {
    await end()
    throw error
  }
}
