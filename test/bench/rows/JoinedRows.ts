import { setTimeout as sleep } from "node:timers/promises"
import * as Limit from "../Limit.ts"
import * as LoadGenerator from "../load/LoadGenerator.ts"
import type { Timing } from "../load/LoadOrder.ts"
import type { Cores } from "../Machine.ts"
import * as ProcessFiles from "../ProcessFiles.ts"
import * as CrowdedTandem from "../relays/CrowdedTandem.ts"
import type { Relay } from "../relays/Relay.ts"
import * as Relays from "../relays/Relays.ts"
import * as TandemRelay from "../relays/TandemRelay.ts"
import type { Row } from "../Row.ts"
import * as Cases from "./Cases.ts"
import * as ForwardingRows from "./ForwardingRows.ts"
import * as Verdict from "./Verdict.ts"

/** How many have joined does not matter, only how many are active. */

/** Of the participants, those who send. */
const active = 64

/** The relay's process when all of them have become idle, without a collection asked for. */
export interface Resident {
  readonly participants: number
  readonly residentBytes: number
  /** Of it, the packet memory: what is in use of the rings, and the slots that packets come into. */
  readonly packetMemoryBytes: number
  readonly limits: ReadonlyArray<Limit.Limit>
}

/** Tandem's promise, without the packet memory. MB of 2^20 bytes. */
const residentMegabytesMax = 150

const residentOf = (participants: number, pid: number): Resident => {
  const residentBytes = ProcessFiles.residentBytes(pid)
  const packetMemoryBytes = ProcessFiles.largestBlockResidentBytes(pid)
  const megabytes = (residentBytes - packetMemoryBytes) / (1 << 20)
  const limits = [Limit.on("MB resident without the packet memory", residentMegabytesMax, megabytes)]
  return { participants, residentBytes, packetMemoryBytes, limits }
}

export interface Joined {
  readonly rows: ReadonlyArray<Row>
  readonly resident: Resident | { readonly notMeasured: string }
}

/** Both relays at the same time, in turns; `idleMs` later what the crowd takes. */
export const measure = async (
  joined: number,
  idleMs: number,
  rounds: number,
  timing: Timing,
  cores: Pick<Cores, "relay" | "load">
): Promise<Joined> => {
  const nameOf = (count: number) => `${TandemRelay.batched.name}, ${count} joined`
  const alone: Relay = { ...TandemRelay.batched, name: nameOf(active) }
  const crowded = CrowdedTandem.relayOf(nameOf(joined), joined - active, cores.load)
  const measured = ForwardingRows.plan([Cases.joinedCase(alone, crowded)])
  const { missing, running } = await Relays.startAll([alone, crowded], cores.relay)
  const notMeasured = missing.get(crowded)
  const generator = LoadGenerator.start(cores.load)
  try {
    await ForwardingRows.warmUp(measured, running, generator, timing)
    for (let round = 0; round < rounds; round++) {
      await ForwardingRows.measureRound(measured, running, generator, timing, undefined)
    }
    if (notMeasured === undefined) await sleep(idleMs)
    return {
      rows: measured.flatMap((each) => Verdict.rowsOf(each, missing)),
      resident: notMeasured === undefined ? residentOf(joined, running.get(crowded)!.pid) : { notMeasured }
    }
  } finally {
    await generator.end()
    for (const { end } of running.values()) await end()
  }
}
