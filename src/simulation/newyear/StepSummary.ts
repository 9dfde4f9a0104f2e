import * as NewYear from "./NewYear.ts"

/** What became of one step of the table, on all relays together. */
export interface StepSummary {
  readonly step: string
  /** So often before midnight, and from then on. */
  readonly timesBefore: number
  readonly times: number
  /** Given up for the first time from midnight on, 0 if it was already; given back for the last. From midnight; `null`: never. */
  readonly firstSeconds: number | null
  readonly lastSeconds: number | null
}

/** In the order of the table. */
export const of = ({ steps }: NewYear.Report): ReadonlyArray<StepSummary> =>
  NewYear.order.map((step) => {
    const changes = steps.filter((change) => change.step === step)
    const isUp = ({ change }: NewYear.RelayChange): boolean => change === "given-up"
    const before = changes.filter(({ atSeconds }) => atSeconds < 0)
    const since = changes.slice(before.length)
    const timesBefore = before.filter(isUp).length
    const isGivenUpAtMidnight = 2 * timesBefore > before.length
    return {
      step,
      timesBefore,
      times: since.filter(isUp).length,
      firstSeconds: isGivenUpAtMidnight ? 0 : (since.find(isUp)?.atSeconds ?? null),
      lastSeconds: since.findLast((change) => !isUp(change))?.atSeconds ?? null
    }
  })
