import { QualityExtra } from "../../protocol/QualityExtra.ts"
import * as GiveUpOrder from "../../throttle/GiveUpOrder.ts"
import type { LoadShedding } from "../../throttle/LoadShedding.ts"

/** Something that a relay has begun to give up, or gives up no more. */
export interface Change {
  readonly change: "given-up" | "given-back"
  /** A class that is refused, or an extra that is withheld. */
  readonly step: string
}

export const nameOf = (step: GiveUpOrder.Step): string => ("refuse" in step ? step.refuse : step.withhold)

/** Of each step of the table, whether it is given up, if only in part. */
export const of = ({ extrasWithheld, level }: LoadShedding): ReadonlyArray<boolean> =>
  GiveUpOrder.steps.map((step, at) =>
    "refuse" in step ? level > at : QualityExtra.literals.indexOf(step.withhold) < extrasWithheld
  )

/** In the order in which the table gives up; and in the reverse one what is given back. */
export const changes = (before: ReadonlyArray<boolean>, now: ReadonlyArray<boolean>): ReadonlyArray<Change> => {
  if (now.every((isGivenUp, at) => isGivenUp === before[at])) return []
  const names = GiveUpOrder.steps.map(nameOf)
  const given = names.flatMap((step, at) => (now[at] && !before[at] ? [{ change: "given-up" as const, step }] : []))
  const back = names.flatMap((step, at) => (before[at] && !now[at] ? [{ change: "given-back" as const, step }] : []))
  return [...back.toReversed(), ...given]
}
