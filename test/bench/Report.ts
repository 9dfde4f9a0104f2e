import * as Figure from "./Figure.ts"
import * as Limit from "./Limit.ts"
import type { Cores, Machine } from "./Machine.ts"
import * as Row from "./Row.ts"
import type { Gc } from "./rows/GcRows.ts"
import type { Joined, Resident } from "./rows/JoinedRows.ts"

/** All that was measured. What was not wanted, or cannot be had, is missing. */
export interface Report {
  readonly startedAt: Date
  readonly machine: Machine
  readonly conditions: {
    readonly relayCore: number | null
    readonly loadCore: number | null
    /** What the C reference forwards at most. */
    readonly capacityPerSecond?: number
    /** What is to be known about this run, a sentence each. */
    readonly notes: ReadonlyArray<string>
  }
  readonly rounds: number
  readonly rows: ReadonlyArray<Row.Row>
  readonly inProcess: ReadonlyArray<Figure.Figure>
  readonly memory: { readonly joined?: Joined["resident"]; readonly eachParticipant?: ReadonlyArray<Figure.Figure> }
  readonly gc: Gc | { readonly notMeasured?: string }
}

export const notesOf = (cores: Cores, hasPriority: boolean, isSmoke: boolean): ReadonlyArray<string> => [
  ...(cores.notPinned === undefined ? [] : [`not kept to cores of their own: ${cores.notPinned}`]),
  ...(hasPriority ? [] : ["without priority over other work: the system does not grant it"]),
  ...(isSmoke ? ["a smoke test: the figures mean nothing"] : [])
]

const limitsBesideRows = ({ gc, inProcess, memory }: Report): ReadonlyArray<readonly [string, Limit.Limit]> =>
  [
    ...[...inProcess, ...(memory.eachParticipant ?? [])].map(({ limits, name }) => ({ who: name, limits })),
    {
      who: "resident memory",
      limits: memory.joined !== undefined && "limits" in memory.joined ? memory.joined.limits : []
    },
    { who: "garbage collection", limits: "limits" in gc ? gc.limits : [] }
  ].flatMap(({ limits, who }) => limits.map((limit) => [who, limit] as const))

/** The promises that are not kept, a line each. */
export const failuresOf = (report: Report): ReadonlyArray<string> => [
  ...report.rows.flatMap(Row.failuresOf),
  ...limitsBesideRows(report).flatMap(([who, limit]) => Limit.failureOf(who, limit) ?? [])
]

/** The same without promises: one round on a cold machine says nothing. */
export const withoutLimits = (report: Report): Report => {
  const strip = <A extends { readonly limits: ReadonlyArray<Limit.Limit> }>(each: A): A => ({ ...each, limits: [] })
  const { gc, inProcess, memory, rows } = report
  const { eachParticipant, joined } = memory
  return {
    ...report,
    rows: rows.map(strip),
    inProcess: inProcess.map(strip),
    memory: {
      ...(joined === undefined ? {} : { joined: "limits" in joined ? strip(joined) : joined }),
      ...(eachParticipant === undefined ? {} : { eachParticipant: eachParticipant.map(strip) })
    },
    gc: "limits" in gc ? strip(gc) : gc
  }
}

/** What this machine lacks, a line each. */
export const missingOf = ({ gc, memory, rows }: Report): ReadonlyArray<string> => [
  ...rows.flatMap(({ notMeasured, relay, row }) =>
    notMeasured === undefined ? [] : [`${row}: ${relay} not measured, ${notMeasured}`]
  ),
  ...Object.entries({ "resident memory": memory.joined, "garbage collection": gc }).flatMap(([who, what]) =>
    what !== undefined && "notMeasured" in what ? [`${who}: not measured, ${what.notMeasured}`] : []
  )
]

const megabytes = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(1)} MB`

const limitsBehind = (limits: ReadonlyArray<Limit.Limit>): string =>
  limits.map((limit) => `; ${Limit.format(limit)}`).join("")

const formatResident = ({ limits, packetMemoryBytes, participants, residentBytes }: Resident): string =>
  `${participants} joined: ${megabytes(residentBytes)} resident, of it packet memory ${megabytes(packetMemoryBytes)}${limitsBehind(limits)}`

const formatGc = (gc: Gc): string => {
  const {
    allocatedBytesPerMillionPackets: allocated,
    limits,
    longestPauseMs,
    pauses,
    relay,
    seconds,
    totalPauseMs
  } = gc
  const bytes = allocated === undefined ? "" : `, ${megabytes(allocated)} allocated for a million packets`
  const figures = `${pauses} pauses in ${seconds} s, longest ${longestPauseMs.toFixed(2)} ms, together ${totalPauseMs.toFixed(1)} ms`
  return `garbage collection, ${relay}: ${figures}${bytes}${limitsBehind(limits)}`
}

const formatRows = (rows: ReadonlyArray<Row.Row>): ReadonlyArray<string> =>
  rows.flatMap((row, index) => {
    const line = Row.format(row)
    return rows[index - 1]?.row === row.row ? [line] : ["", row.row, line]
  })

/** For people. */
export const format = (report: Report): ReadonlyArray<string> => {
  const { conditions, gc, inProcess, machine, memory, rows } = report
  const { cores, cpu, effect, node, system, tandem } = machine
  const { capacityPerSecond, notes } = conditions
  return [
    `${cpu}, ${cores} cores, ${system}, Node ${node}, effect ${effect}, tandem ${tandem}`,
    ...notes,
    ...(capacityPerSecond === undefined ? [] : [`C forwards ${(capacityPerSecond / 1000).toFixed(1)} kpps at most`]),
    ...formatRows(rows),
    "",
    ...inProcess.map(Figure.format),
    ...(memory.joined !== undefined && "limits" in memory.joined ? [formatResident(memory.joined)] : []),
    ...(memory.eachParticipant ?? []).map(Figure.format),
    ...("limits" in gc ? [formatGc(gc)] : [])
  ]
}
