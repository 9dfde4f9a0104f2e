import type { LabDevice } from "./LabDevice.ts"
import type * as Link from "./Link.ts"
import * as Samples from "./Samples.ts"
import type * as Scenario from "./Scenario.ts"
import { stepMs } from "./ScenarioReport.ts"
import type { Bottleneck, BottleneckSummary, Change, Flow, FlowSummary } from "./ScenarioReport.ts"

/** The figures that a run comes down to. */

/** What comes before is the start. Milliseconds. */
const settledAfterMs = 10_000
/** A sender is below the capacity when the mean of this time is: frames differ, and so do 100 ms. Milliseconds. */
const belowForMs = 500
/** It has come back when it gets so much of the capacity, on the mean of this time. */
const backRatio = 0.85
const backForMs = 1000

/** Of one link, with all that goes over it. */
export const ofBottleneck = (
  scenario: Scenario.Scenario,
  { counters }: Link.Link,
  { capacityBps, name }: Bottleneck,
  flows: ReadonlyArray<Flow>
): BottleneckSummary => {
  const own = flows.filter(({ direction }) => direction === name)
  const sentBps = total(own.map((flow) => flow.sentBps))
  const receivedBps = total(own.map((flow) => flow.receivedBps))
  const usableBps = capacityBps.map((bps, i) => Math.min(bps, demandBps(own, i)))
  const { rate } = scenario.bottlenecks[name]!
  const steps = rate.kind === "steps" ? rate.steps : []
  const drops: Array<Change> = []
  const rises: Array<Change> = []
  for (let i = 1; i < steps.length; i++) {
    const atMs = steps[i]!.fromMs
    const [fromBps, toBps] = [steps[i - 1]!.rateBps, steps[i]!.rateBps]
    const from = atMs / stepMs
    const until = Math.min(capacityBps.length, (steps[i + 1]?.fromMs ?? Infinity) / stepMs)
    if (atMs >= scenario.durationMs) break
    if (toBps < fromBps) {
      drops.push({ atMs, fromBps, toBps, afterMs: firstMs(sentBps, from, until, belowForMs, (bps) => bps <= toBps) })
    } else {
      const goalBps = backRatio * Math.min(toBps, demandBps(own, from))
      rises.push({
        atMs,
        fromBps,
        toBps,
        afterMs: firstMs(receivedBps, from, until, backForMs, (bps) => bps >= goalBps)
      })
    }
  }
  const settled = Math.min(settledAfterMs, scenario.durationMs / 2) / stepMs
  const { sojournsMs } = counters
  return {
    name,
    utilisation: rounded(sum(receivedBps.slice(settled)) / sum(usableBps.slice(settled)), 3),
    queueMsP50: rounded(Samples.quantile(sojournsMs, 0.5), 1),
    queueMsP95: rounded(Samples.quantile(sojournsMs, 0.95), 1),
    queueMsMax: rounded(sojournsMs.max, 1),
    lossRatio: rounded((counters.droppedQueueFull + counters.lost) / counters.packets, 4),
    fairness: fairness(own),
    drops,
    rises
  }
}

/** Of one flow beside the others; `receiver` sees its video. */
export const ofFlow = (
  scenario: Scenario.Scenario,
  flow: Flow,
  flows: ReadonlyArray<Flow>,
  receiver: LabDevice | undefined
): FlowSummary => {
  const { direction, kind, lostPackets, name, presence, receivedBps, repairedPackets } = flow
  const others = flows.filter((other) => other.direction === direction)
  const together = stepsTogether(others)
  const togetherBps = sum(others.map((other) => sum(together.map((i) => other.receivedBps[i]!))))
  const fromMs = presence?.fromMs ?? 0
  const seen = receiver?.receiving.find(({ description }) => description.kind === "video")?.freezes
  return {
    name,
    kind,
    direction,
    receivedBps: Math.round((sum(receivedBps) * stepMs) / (scenario.durationMs - fromMs)),
    share: togetherBps > 0 ? rounded(sum(together.map((i) => receivedBps[i]!)) / togetherBps, 3) : null,
    lostPackets: sum(lostPackets),
    repairedPackets: repairedPackets === undefined ? null : sum(repairedPackets),
    freezes: seen?.freezes ?? null,
    freezeMs: seen === undefined ? null : Math.round(seen.freezeMs)
  }
}

/** Steps after the start of the last flow in which nobody pauses. */
const stepsTogether = (flows: ReadonlyArray<Flow>): ReadonlyArray<number> => {
  const starts = flows.map(({ presence }) => presence?.fromMs ?? 0)
  const from = Math.max(...starts) / stepMs
  const steps = Array.from(flows[0]!.receivedBps, (_, i) => i)
  const together = steps.filter((i) => i >= from && flows.every((flow) => isPresent(flow, i)))
  // The first half of that time is for coming to an agreement.
  return together.slice(together.length >> 1)
}

const fairness = (flows: ReadonlyArray<Flow>): number | null => {
  const media = flows.filter(({ kind }) => kind === "media")
  if (media.length < 2) return null
  const together = stepsTogether(media)
  const rates = media.map(({ receivedBps }) => sum(together.map((i) => receivedBps[i]!)))
  if (sum(rates) === 0) return null
  return rounded(sum(rates) ** 2 / (rates.length * sum(rates.map((rate) => rate * rate))), 3)
}

const isPresent = ({ presence }: Flow, step: number): boolean => {
  if (presence === undefined) return true
  const timeMs = step * stepMs
  const { fromMs, pause, untilMs } = presence
  return (
    timeMs >= fromMs && timeMs < untilMs && (pause === undefined || timeMs < pause.fromMs || timeMs >= pause.untilMs)
  )
}

/** What would be sent if there was room for everything. */
const demandBps = (flows: ReadonlyArray<Flow>, step: number): number =>
  sum(flows.map((flow) => (flow.kind === "tcp" ? Infinity : isPresent(flow, step) ? flow.videoMaxBps! : 0)))

/** When the mean of what follows first is as it should be, since the step `from`. */
const firstMs = (
  series: ReadonlyArray<number>,
  from: number,
  until: number,
  forMs: number,
  isReached: (bps: number) => boolean
): number | null => {
  const length = forMs / stepMs
  for (let i = from; i + length <= until; i++) {
    if (isReached(sum(series.slice(i, i + length)) / length)) return (i - from) * stepMs
  }
  return null
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((before, value) => before + value, 0)

const total = (series: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> =>
  (series[0] ?? []).map((_, i) => sum(series.map((values) => values[i]!)))

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))
