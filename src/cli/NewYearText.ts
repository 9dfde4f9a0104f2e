import type * as NewYear from "../simulation/newyear/NewYear.ts"
import * as StepSummary from "../simulation/newyear/StepSummary.ts"
import type * as Tally from "../simulation/newyear/Tally.ts"
import * as Table from "./Table.ts"

/** What New Year's Eve was like, for people. */
export const format = (report: NewYear.Report): string => {
  const { phases, recoverySeconds, relays, seed, throttle } = report
  return [
    `${relays} relays, throttle ${throttle}, seed ${seed}; at midnight everybody calls for 20 minutes`,
    "",
    Table.format(phaseColumns, phases),
    ...(throttle === "off"
      ? []
      : ["", Table.format(stepColumns, StepSummary.of(report)), "", recovery(recoverySeconds)])
  ].join("\n")
}

const recovery = (seconds: number | null): string =>
  seconds === null
    ? "not every relay has given everything back by the end"
    : `once its calls fit again, the slowest relay has given everything back after ${seconds} s`

const phaseColumns: ReadonlyArray<Table.Column<Tally.Row>> = [
  { title: "phase", cell: ({ phase }) => phase },
  { title: "class", cell: (row) => row.class },
  { title: "offered", cell: ({ offered }) => offered },
  { title: "admitted", cell: ({ admitted }) => admitted },
  { title: "refused", cell: ({ refused }) => refused },
  { title: "ongoing dropped", cell: ({ ongoingDropped }) => ongoingDropped },
  { title: "packets wait, p50", cell: ({ relayDelayMs }) => waited(relayDelayMs.p50) },
  { title: "p99", cell: ({ relayDelayMs }) => waited(relayDelayMs.p99) }
]

const stepColumns: ReadonlyArray<Table.Column<StepSummary.StepSummary>> = [
  { title: "given up, in this order", cell: ({ step }) => step },
  { title: "times before midnight", cell: ({ timesBefore }) => timesBefore },
  { title: "from then on", cell: ({ times }) => times },
  { title: "first", cell: ({ firstSeconds }) => fromMidnight(firstSeconds) },
  { title: "last given back", cell: ({ lastSeconds }) => fromMidnight(lastSeconds) }
]

const waited = (ms: number): string => `${ms.toFixed(ms < 1 ? 3 : 1)} ms`
const fromMidnight = (seconds: number | null): string => (seconds === null ? "-" : `${seconds} s`)
