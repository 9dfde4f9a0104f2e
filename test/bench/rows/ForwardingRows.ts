import { setTimeout as sleep } from "node:timers/promises"
import type { LoadGenerator } from "../load/LoadGenerator.ts"
import type { Pace, RunReport, Timing } from "../load/LoadOrder.ts"
import type { Relay, RunningRelay } from "../relays/Relay.ts"
import * as Statistics from "../Statistics.ts"
import * as Cases from "./Cases.ts"

/** One relay under one load, once. */
export interface Run {
  readonly report: RunReport
  /** Of the load, calls beside it included. Packets a second; missing when saturated. */
  readonly askedPerSecond?: number
  /** Datagrams that the relay says it has sent meanwhile; missing when it does not say. */
  readonly packetsOut?: number
}

/** All runs of one load: one for each round, by relay. Those that this machine does not have are missing. */
export interface Measured {
  readonly load: Cases.Case
  readonly runs: Map<Relay, Array<Run>>
}

type Relays = ReadonlyMap<Relay, RunningRelay>

export const plan = (cases: ReadonlyArray<Cases.Case>): ReadonlyArray<Measured> =>
  cases.map((load) => ({ load, runs: new Map() }))

/** `undefined`: as a multiple of something that is not known. */
const paceOf = ({ pace }: Cases.Case, capacity: number | undefined): Pace | undefined => {
  if (!("timesCapacity" in pace)) return pace
  return capacity === undefined ? undefined : { packetsPerSecond: Math.round(pace.timesCapacity * capacity) }
}

const measure = async (
  load: Cases.Case,
  pace: Pace,
  { language }: Relay,
  { packetsOut, pid, place, restMs = 0 }: RunningRelay,
  generator: LoadGenerator,
  timing: Timing
): Promise<Run> => {
  await sleep(restMs)
  const before = await packetsOut?.()
  const { beside, calls } = load
  const order = { language, relay: place, pid, calls, pace, timing }
  const report = await generator.run({
    ...order,
    ...(beside === undefined ? {} : { beside: { calls: beside.calls, pace: beside.pace } })
  })
  const after = await packetsOut?.()
  const besidePerSecond = beside?.pace.packetsPerSecond ?? 0
  return {
    report,
    ...("packetsPerSecond" in pace ? { askedPerSecond: pace.packetsPerSecond + besidePerSecond } : {}),
    ...(before === undefined || after === undefined ? {} : { packetsOut: after - before })
  }
}

/** Every relay at its busiest, without being measured, so that the first round too finds compiled code. */
export const warmUp = async (
  measured: ReadonlyArray<Measured>,
  relays: Relays,
  generator: LoadGenerator,
  timing: Timing
): Promise<void> => {
  const saturated = measured.flatMap(({ load }) => {
    const { pace } = load
    return "packetsUnderWay" in pace ? [{ ...load, pace }] : []
  })
  const loads = saturated.length > 0 ? saturated : [{ ...Cases.capacity, relays: [...relays.keys()] }]
  for (const load of loads) {
    for (const relay of load.relays) {
      const running = relays.get(relay)
      if (running !== undefined) await measure(load, load.pace, relay, running, generator, timing)
    }
  }
}

/** What the C reference forwards at most. Packets a second; `undefined` without it. */
export const capacityOfC = async (
  relays: Relays,
  generator: LoadGenerator,
  timing: Timing,
  times: number
): Promise<number | undefined> => {
  const { c, capacity } = Cases
  const running = relays.get(c)
  if (running === undefined) return undefined
  const rates: Array<number> = []
  while (rates.length < times) {
    const { report } = await measure(capacity, capacity.pace, c, running, generator, timing)
    rates.push(report.packetsPerSecond)
  }
  return Statistics.spreadOf(rates).median
}

/** One round: every load for every relay, one after the other, so that whatever the machine does meets all of them. */
export const measureRound = async (
  measured: ReadonlyArray<Measured>,
  relays: Relays,
  generator: LoadGenerator,
  timing: Timing,
  capacity: number | undefined
): Promise<void> => {
  for (const { load, runs } of measured) {
    const pace = paceOf(load, capacity)
    if (pace === undefined) continue
    for (const relay of load.relays) {
      const running = relays.get(relay)
      if (running === undefined) continue
      const run = await measure(load, pace, relay, running, generator, timing)
      runs.set(relay, [...(runs.get(relay) ?? []), run])
    }
  }
}
