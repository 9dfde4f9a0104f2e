import { isGroup } from "../../protocol/CallClass.ts"
import * as Samples from "../Samples.ts"
import * as CallMix from "./CallMix.ts"
import { type Phase, phases } from "./Evening.ts"

/** What people ask for: a call of a class, or a place in a group that goes on. */
export const rows: ReadonlyArray<string> = [...CallMix.shapes.map(({ callClass }) => callClass), "group-join"]
export const joinRow = CallMix.shapes.length
const groups = CallMix.shapes.flatMap(({ callClass }, at) => (isGroup(callClass) ? [at] : []))

/** What became of those who asked, by phase and row. Changed in place. */
export interface Tally {
  readonly counts: Readonly<Record<Phase, ReadonlyArray<Count>>>
}

export interface Count {
  /** Who asked for the first time in this phase, and what became of them, be it later. */
  offered: number
  admitted: number
  refused: number
  /** Calls that had to end for lost packets in this phase; joins have none of their own. */
  ongoingDropped: number
  /** How long packets wait in relays where such calls go on. Milliseconds. */
  readonly waitMs: Samples.Samples
}

export interface Row {
  readonly phase: Phase
  readonly class: string
  readonly offered: number
  readonly admitted: number
  readonly refused: number
  readonly ongoingDropped: number
  readonly relayDelayMs: { readonly p50: number; readonly p99: number }
}

const countsOfPhase = (): ReadonlyArray<Count> =>
  rows.map(() => ({ offered: 0, admitted: 0, refused: 0, ongoingDropped: 0, waitMs: Samples.make() }))

export const make = (): Tally => ({
  counts: { before: countsOfPhase(), midnight: countsOfPhase(), after: countsOfPhase() }
})

/** `phase` is `undefined` before the evening: that counts for nothing. */
export const count = (
  { counts }: Tally,
  phase: Phase | undefined,
  row: number,
  what: "offered" | "admitted" | "refused" | "ongoingDropped"
): void => {
  if (phase !== undefined) counts[phase][row]![what]++
}

/** In one relay, during one step; `participants`: by class. */
export const addWait = (
  { counts }: Tally,
  phase: Phase | undefined,
  waitMs: number,
  participants: ReadonlyArray<number>
): void => {
  if (phase === undefined) return
  for (const [row, { waitMs: waits }] of counts[phase].entries()) {
    const goesOn = row === joinRow ? groups.some((group) => participants[group]! > 0) : participants[row]! > 0
    if (goesOn) Samples.add(waits, waitMs)
  }
}

export const rowsOf = ({ counts }: Tally): ReadonlyArray<Row> =>
  phases.flatMap((phase) =>
    counts[phase].map(({ admitted, offered, ongoingDropped, refused, waitMs }, at) => ({
      phase,
      class: rows[at]!,
      offered,
      admitted,
      refused,
      ongoingDropped,
      relayDelayMs: { p50: rounded(Samples.quantile(waitMs, 0.5)), p99: rounded(Samples.quantile(waitMs, 0.99)) }
    }))
  )

/** Microseconds will do; of no call nothing has waited. */
const rounded = (ms: number): number => Math.round((ms || 0) * 1000) / 1000
