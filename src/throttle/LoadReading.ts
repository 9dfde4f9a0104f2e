import type * as Load from "./Load.ts"
import type { WorkReading } from "./RelayWork.ts"
import type { GroupUse } from "./sources/ControlGroup.ts"
import type { MachineTime } from "./sources/MachineCpu.ts"
import type { MemoryUse } from "./sources/ProcessMemory.ts"

/** What all sources say at one moment; `undefined`: this one says nothing. Most of it counts up from some beginning. */
export interface LoadReading {
  readonly processCpuMs: number | undefined
  readonly machine: MachineTime | undefined
  readonly group: GroupUse | undefined
  readonly loopDelayMs: number | undefined
  readonly memory: MemoryUse | undefined
  readonly work: WorkReading | undefined
}

/** So long ago counts for a third. CPU comes in bursts that are no load, as when many join; packets come evenly. Milliseconds. */
const cpuSpanMs = 2000
const waitSpanMs = 1000
const packetsSpanMs = 500

/** The load that follows from two readings so far apart, and from the load before. */
export const loadOf = (
  before: LoadReading,
  now: LoadReading,
  elapsedMs: number,
  last: Load.Load,
  capacityPerSecond: number
): Load.Load => {
  const machineMs = difference(before.machine?.totalMs, now.machine?.totalMs)
  const stolenCpu = difference(before.machine?.stolenMs, now.machine?.stolenMs) / machineMs
  const idle = difference(before.machine?.idleMs, now.machine?.idleMs) / machineMs
  const perSecond = (count: number): number => (count * 1000) / elapsedMs
  const { work } = now
  const received = difference(before.work?.received, work?.received)
  const sent = difference(before.work?.sent, work?.sent)
  const waits = difference(before.work?.waits, work?.waits)
  const waitMs = difference(before.work?.waitMsSum, work?.waitMsSum) / waits
  return {
    processCpu: smooth(last.processCpu, processCpu(before, now, elapsedMs, stolenCpu), elapsedMs, cpuSpanMs),
    machineCpu: smooth(last.machineCpu, 1 - idle, elapsedMs, cpuSpanMs),
    stolenCpu: smooth(last.stolenCpu, stolenCpu, elapsedMs, cpuSpanMs),
    loopDelayMs: smooth(last.loopDelayMs, now.loopDelayMs ?? NaN, elapsedMs, waitSpanMs),
    // Where nothing was sent nothing has waited.
    queueWaitMs: smooth(last.queueWaitMs, waits === 0 ? 0 : waitMs, elapsedMs, waitSpanMs),
    kernelDropsPerSecond: perSecond(difference(before.work?.kernelDrops, work?.kernelDrops)),
    memory: memoryOf(now),
    packetsPerSecond: smooth(last.packetsPerSecond, perSecond(Math.max(received, sent)), elapsedMs, packetsSpanMs),
    capacityPerSecond,
    participants: work?.participants ?? NaN
  }
}

/**
 * One thread forwards, so one core is all there is for it; less, when its container has less, or when the host takes some of it
 * away. Of a container with several processes, what they use together.
 */
const processCpu = (before: LoadReading, now: LoadReading, elapsedMs: number, stolenCpu: number): number => {
  const ofThread = difference(before.processCpuMs, now.processCpuMs) / elapsedMs
  const cpuMax = now.group?.cpuMax
  const ofGroup = difference(before.group?.cpuMs, now.group?.cpuMs) / elapsedMs
  const left = 1 - Math.min(stolenMax, stolenCpu > 0 ? stolenCpu : 0)
  const share = ofThread / left
  return cpuMax === undefined || Number.isNaN(ofGroup) ? share : Math.max(share, ofGroup / cpuMax)
}

/** What the host takes from all processors it need not take from ours. Share. */
const stolenMax = 0.5

const memoryOf = ({ group, memory }: LoadReading): number =>
  memory === undefined
    ? NaN
    : memory.residentBytes / Math.min(memory.machineBytes, group?.memoryMaxBytes ?? memory.machineBytes)

/** What counts up and is less than before has begun anew. NaN: one of the two is not known. */
const difference = (before: number | undefined, now: number | undefined): number =>
  before === undefined || now === undefined || now < before ? NaN : now - before

const smooth = (last: number, now: number, elapsedMs: number, spanMs: number): number =>
  Number.isNaN(last) || Number.isNaN(now) ? now : last + (now - last) * (1 - Math.exp(-elapsedMs / spanMs))
