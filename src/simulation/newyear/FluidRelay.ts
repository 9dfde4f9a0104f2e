import * as Load from "../../throttle/Load.ts"
import * as LoadReading from "../../throttle/LoadReading.ts"
import * as LoadShedding from "../../throttle/LoadShedding.ts"
import * as OfferedCalls from "../../throttle/OfferedCalls.ts"
import * as Random from "../Random.ts"
import * as CallMix from "./CallMix.ts"

/**
 * A relay without packets: they flow into a queue, and out of it as fast as the relay can, and what the queue cannot hold is
 * lost, of all calls alike. The throttle on top is the real one, with what it measures. Changed in place.
 */
export interface FluidRelay {
  readonly id: string
  readonly capacityPerSecond: number
  /** Who is on it, by place of the class in CallMix.shapes. */
  readonly participants: Array<number>
  readonly random: Random.Random
  readonly offered: OfferedCalls.OfferedCalls
  shedding: LoadShedding.LoadShedding
  reading: LoadReading.LoadReading
  load: Load.Load
  /** Packets. */
  queued: number
  /** Of the last step. */
  waitMs: number
  /** Packets of the last steps, the newest last. */
  recent: ReadonlyArray<{ readonly arrived: number; readonly lost: number }>
}

/** As often as a relay measures its load. Milliseconds. */
export const stepMs = 250
/** What a receive buffer holds, in the time that the relay takes for it. Milliseconds. */
const bufferMs = 100
/** Packets come in bunches: the deviation of their number, in that of a Poisson process. */
const bunching = 2
/** A call that has lost more than this, over this time, is no call any more. Share, and milliseconds. */
export const ruinMs = 2000
const ruinRatio = 0.1
/** Fuller than this, the queue itself says how long packets wait. Share. */
const steadyMax = 0.99

export const make = (seed: string, at: number, capacityPerSecond: number): FluidRelay => ({
  id: `relay-${at + 1}`,
  capacityPerSecond,
  participants: CallMix.shapes.map(() => 0),
  random: Random.make(seed, `relay ${at}`),
  offered: OfferedCalls.make(),
  shedding: LoadShedding.make(),
  reading: {
    processCpuMs: undefined,
    machine: undefined,
    group: undefined,
    loopDelayMs: undefined,
    memory: undefined,
    work: { received: 0, sent: 0, waits: 0, waitMsSum: 0, kernelDrops: 0, participants: 0 }
  },
  load: { ...Load.unknown, capacityPerSecond },
  queued: 0,
  waitMs: 0,
  recent: []
})

/** What the calls that are on it would take if they went without so many extras. Packets a second. */
export const demandPerSecond = ({ participants }: FluidRelay, extrasWithheld: number): number =>
  participants.reduce((sum, count, at) => sum + count * CallMix.packetsOf[at]![extrasWithheld]!, 0)

/** The next `stepMs`. */
export const step = (self: FluidRelay, isThrottled: boolean): void => {
  const seconds = stepMs / 1000
  const { capacityPerSecond, random } = self
  const mean = demandPerSecond(self, self.shedding.extrasWithheld) * seconds
  const arrived = Math.max(0, mean + bunching * Math.sqrt(mean) * Random.normal(random))
  const before = self.queued
  const left = Math.max(0, before + arrived - capacityPerSecond * seconds)
  self.queued = Math.min(left, (capacityPerSecond * bufferMs) / 1000)
  const lost = left - self.queued
  // Also of a relay that keeps up some wait for others: the queue M/D/1.
  const used = Math.min(steadyMax, arrived / (capacityPerSecond * seconds))
  self.waitMs = (1000 * (used / (2 * (1 - used)) + (before + self.queued) / 2)) / capacityPerSecond
  self.recent = [...self.recent.slice(1 - ruinMs / stepMs), { arrived, lost }]
  measure(self, arrived, lost)
  if (isThrottled) self.shedding = LoadShedding.step(self.shedding, self.load, self.offered, stepMs)
  OfferedCalls.fade(self.offered, stepMs)
}

const measure = (self: FluidRelay, arrived: number, lost: number): void => {
  const { reading } = self
  const work = reading.work!
  const taken = arrived - lost
  const now = {
    ...reading,
    work: {
      received: work.received + taken,
      sent: work.sent + taken,
      waits: work.waits + taken,
      waitMsSum: work.waitMsSum + taken * self.waitMs,
      kernelDrops: work.kernelDrops + lost,
      participants: self.participants.reduce((sum, count) => sum + count, 0)
    }
  }
  self.load = LoadReading.loadOf(reading, now, stepMs, self.load, self.capacityPerSecond)
  self.reading = now
}

/** Whether the calls that were on it all that time have lost too much. */
export const isRuinous = ({ recent }: FluidRelay): boolean => {
  const arrived = recent.reduce((sum, each) => sum + each.arrived, 0)
  return recent.reduce((sum, each) => sum + each.lost, 0) > ruinRatio * arrived
}

/** What others are told of it. */
export const fullness = ({ load, shedding }: FluidRelay, isThrottled: boolean): number =>
  isThrottled ? LoadShedding.fullness(shedding) : Load.utilization(load)
