import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as LoadMeter from "../../src/throttle/LoadMeter.ts"
import type { WorkReading } from "../../src/throttle/RelayWork.ts"
import { ControlGroup, type GroupUse } from "../../src/throttle/sources/ControlGroup.ts"
import { LoopDelay } from "../../src/throttle/sources/LoopDelay.ts"
import { MachineCpu, type MachineTime } from "../../src/throttle/sources/MachineCpu.ts"
import { type MemoryUse, ProcessMemory } from "../../src/throttle/sources/ProcessMemory.ts"
import { ProcessCpu } from "../../src/throttle/sources/ProcessCpu.ts"

/** What a test says that the system says. */
export interface Figures {
  /** Of one core, while time goes by. */
  cpu: number
  cpuMs: number | undefined
  machine: MachineTime | undefined
  group: GroupUse | undefined
  loopDelayMs: number | undefined
  memory: MemoryUse | undefined
  work: WorkReading
}

export const gibibyte = 2 ** 30

export const idle = (): Figures => ({
  cpu: 0,
  cpuMs: 0,
  machine: { idleMs: 0, stolenMs: 0, totalMs: 0 },
  group: undefined,
  loopDelayMs: 0,
  memory: { residentBytes: gibibyte, machineBytes: 16 * gibibyte },
  work: { received: 0, sent: 0, kernelDrops: 0, waits: 0, waitMsSum: 0, participants: 0 }
})

/** A meter whose sources say what the figures say. */
export const meterOf = (figures: Figures, options: LoadMeter.Options = {}) =>
  LoadMeter.layerFrom(options).pipe(
    Layer.provide([
      Layer.succeed(ProcessCpu, { read: () => figures.cpuMs }),
      Layer.succeed(MachineCpu, { read: () => figures.machine }),
      Layer.succeed(ControlGroup, { read: () => figures.group }),
      Layer.succeed(LoopDelay, { read: () => figures.loopDelayMs }),
      Layer.succeed(ProcessMemory, { read: () => figures.memory })
    ])
  )

/** Time in which the thread uses as much CPU as the figures say. */
export const pass = Effect.fnUntraced(function* (figures: Figures, ms: number) {
  for (let passed = 0; passed < ms; passed += LoadMeter.sampleMs) {
    if (figures.cpuMs !== undefined) figures.cpuMs += figures.cpu * LoadMeter.sampleMs
    yield* TestClock.adjust(LoadMeter.sampleMs)
  }
})
