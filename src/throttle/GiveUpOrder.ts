import { QualityExtra } from "../protocol/QualityExtra.ts"
import type { Priority } from "./Priority.ts"

/** Something that a relay under load gives up. */
export type Step =
  | { readonly refuse: Priority; readonly fromUtilization: number }
  | { readonly withhold: QualityExtra; readonly fromUtilization: number }

/**
 * What is given up, the first at the least load, and the share of what the relay can do from which on. A class is refused to
 * more and more of those who ask until the next step begins, an extra at once to all. What stands behind the order: what goes
 * on counts more than what is new, two people more than many, and audio more than video. What is not here is never given up:
 * audio of calls that go on, and their devices that come back. docs/operating.md.
 */
export const steps: ReadonlyArray<Step> = [
  { refuse: "probe", fromUtilization: 0.66 },
  { withhold: "fec", fromUtilization: 0.68 },
  { withhold: "duplication", fromUtilization: 0.7 },
  { withhold: "high-layer", fromUtilization: 0.72 },
  { refuse: "new-group-video", fromUtilization: 0.76 },
  { refuse: "new-group-audio", fromUtilization: 0.77 },
  { refuse: "group-join", fromUtilization: 0.775 },
  { withhold: "group-video", fromUtilization: 0.78 },
  { refuse: "new-one-to-one-video", fromUtilization: 0.785 },
  { refuse: "new-one-to-one-audio", fromUtilization: 0.79 }
]

/** Nobody new is let in. */
export const fullUtilization = 0.89

/** Every step that there is. */
export const levelMax = steps.length

const starts: ReadonlyArray<number> = [...steps.map(({ fromUtilization }) => fromUtilization), fullUtilization]

/** How many steps are given up at this load, the last of them in part: 0 to `levelMax`. Of a load that is not known none. */
export const levelAt = (utilization: number): number => {
  if (utilization >= fullUtilization) return levelMax
  const next = starts.findIndex((start) => utilization < start)
  if (next <= 0) return 0
  const from = starts[next - 1]!
  return next - 1 + (utilization - from) / (starts[next]! - from)
}

/** The load at which so many steps are given up: the other way round. */
export const utilizationAt = (level: number): number => {
  const at = Math.min(levelMax - 1, Math.max(0, Math.floor(level)))
  return starts[at]! + (starts[at + 1]! - starts[at]!) * Math.min(1, Math.max(0, level - at))
}

/** Of each extra the step at which it is withheld, in the order in which that happens. */
export const extraSteps: ReadonlyArray<number> = QualityExtra.literals.map((extra) =>
  steps.findIndex((step) => "withhold" in step && step.withhold === extra)
)

/** The step at which a class is refused; who asks for an extra is refused with the first of them; `undefined`: never. */
export const stepOf = (priority: Priority): number | undefined =>
  priority === "quality-extra" ? extraSteps[0] : stepByPriority.get(priority)

const stepByPriority = new Map(steps.flatMap((step, at) => ("refuse" in step ? [[step.refuse, at] as const] : [])))
