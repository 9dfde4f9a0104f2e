import * as Path from "node:path"
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
}

/** The relay of a round, on a core of its own. */
export interface RelayUnderTest {
  readonly address: string
  readonly sample: () => Promise<RelaySample>
  readonly end: () => Promise<void>
}

const program = Path.join(import.meta.dirname, "RelayProcess.ts")

export const start = async (order: Order.RelayOrder, core: number | undefined): Promise<RelayUnderTest> => {
  const relay = PinnedProcess.start({ name: "the relay", command: [process.execPath, program], core })
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
          packetsOut: work.packetsOut
        }
      },
      end
    }
  } catch (error) {
    await end()
    throw error
  }
}
