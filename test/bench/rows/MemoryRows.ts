import { setTimeout as sleep } from "node:timers/promises"
import * as Figure from "../Figure.ts"
import * as LoadGenerator from "../load/LoadGenerator.ts"
import type { Cores } from "../Machine.ts"
import * as ProcessFiles from "../ProcessFiles.ts"
import * as TandemRelay from "../relays/TandemRelay.ts"

export interface Size {
  /** Who come first, so that what the first of all cost is not counted: compiled code, tables, pages of the heap. */
  readonly participantsBefore: number
  readonly participants: number
  /** How long they are in their calls, with nothing but signs of life, before they count as idle. Milliseconds. */
  readonly idleMs: number
  /** Between two collections: the system gets freed pages back a little later. Milliseconds. */
  readonly settleMs: number
}

/** Participants of one sort. */
export interface Case {
  readonly callSize: number
  /** That each of them has sent before it became idle. */
  readonly packets: number
  /** Of the size's participants. */
  readonly share: number
  /** Whether Tandem's promise is about them. */
  readonly isPromised: boolean
}

export const cases: ReadonlyArray<Case> = [
  { callSize: 2, packets: 0, share: 1, isPromised: true },
  { callSize: 8, packets: 0, share: 0.5, isPromised: false },
  { callSize: 2, packets: 5, share: 0.5, isPromised: false }
]

/** Tandem's promise: memory of the relay's process for each idle participant. KB of 1024 bytes. */
const residentKilobytesMax = 12

/** What a process holds, after its garbage was collected. Bytes. */
interface Memory {
  readonly resident: number
  readonly heap: number
}

const memoryOf = async ({ collect, pid }: TandemRelay.RunningTandem, settleMs: number): Promise<Memory> => {
  await collect()
  await sleep(settleMs)
  const { externalBytes, heapUsedBytes } = await collect()
  return { resident: ProcessFiles.residentBytes(pid), heap: heapUsedBytes + externalBytes }
}

const kinds = ["resident", "heap"] as const
const kindNames = { resident: "resident", heap: "heap and buffers" }

/** How much the relay has grown for each participant when all have come, and when they have become idle. */
export const measure = async (
  { callSize, isPromised, packets, share }: Case,
  { idleMs, participantsBefore, settleMs, ...size }: Size,
  cores: Pick<Cores, "relay" | "load">
): Promise<ReadonlyArray<Figure.Figure>> => {
  const participants = Math.round(size.participants * share)
  const running = await TandemRelay.start("auto", { core: cores.relay, nodeFlags: TandemRelay.inspected })
  const generator = LoadGenerator.start(cores.load)
  try {
    const come = async (participants: number) => {
      await generator.stay({ language: "tandem", relay: running.place, participants, callSize, packets })
      return memoryOf(running, settleMs)
    }
    const before = await come(participantsBefore)
    const joined = await come(participants)
    await sleep(idleMs)
    const idle = await memoryOf(running, settleMs)
    const here = await running.participants()
    if (here !== participantsBefore + participants) {
      throw new Error(`${here} participants are in their calls instead of ${participantsBefore + participants}`)
    }
    const who = packets === 0 ? `calls of ${callSize}` : `calls of ${callSize} after ${packets} packets each`
    const figureOf = (when: string, kind: keyof Memory, after: Memory) => {
      const name = `${participants} ${when} in ${who}, ${kindNames[kind]}`
      const hasLimit = isPromised && after === idle && kind === "resident"
      const kilobytes = (after[kind] - before[kind]) / 1024 / participants
      return Figure.figureOf(name, "KB each", [kilobytes], hasLimit ? residentKilobytesMax : undefined)
    }
    return [
      ...kinds.map((kind) => figureOf("idle", kind, idle)),
      ...kinds.map((kind) => figureOf("just come", kind, joined))
    ]
  } finally {
    await generator.end()
    await running.end()
  }
}
