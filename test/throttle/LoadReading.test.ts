import { assert, describe, it } from "@effect/vitest"
import * as Load from "../../src/throttle/Load.ts"
import { loadOf, type LoadReading } from "../../src/throttle/LoadReading.ts"
import { gibibyte } from "./Sources.ts"

const silent: LoadReading = {
  processCpuMs: undefined,
  machine: undefined,
  group: undefined,
  loopDelayMs: undefined,
  memory: undefined,
  work: undefined
}

const work = { received: 0, sent: 0, kernelDrops: 0, waits: 0, waitMsSum: 0, participants: 0 }
const cores = (idleMs: number, stolenMs: number) => ({ idleMs, stolenMs, totalMs: 2000 })
const none = { idleMs: 0, stolenMs: 0, totalMs: 0 }

/** What a second brings, with nothing before it to be smoothed with. */
const after = (before: Partial<LoadReading>, now: Partial<LoadReading>, capacity = NaN) =>
  loadOf({ ...silent, ...before }, { ...silent, ...now }, 1000, Load.unknown, capacity)

describe("LoadReading", () => {
  it("what says nothing is no number, and counts for nothing", () => {
    const load = after({}, {})
    assert.isTrue(Object.values(load).every(Number.isNaN))
    assert.strictEqual(Load.utilization(load), 0)
    assert.strictEqual(Load.waitSeverity(load), 0)
  })

  it("CPU is of one core, or of what the host leaves of it", () => {
    assert.approximately(after({ processCpuMs: 100 }, { processCpuMs: 700 }).processCpu, 0.6, 1e-9)
    const stolen = after({ processCpuMs: 0, machine: none }, { processCpuMs: 600, machine: cores(400, 500) })
    assert.approximately(stolen.processCpu, 0.8, 1e-9)
    assert.approximately(stolen.stolenCpu, 0.25, 1e-9)
    assert.approximately(stolen.machineCpu, 0.8, 1e-9)
  })

  it("a container with half a core is full with half of a core, also when another process of it uses that", () => {
    const group = (cpuMs: number) => ({ cpuMs, cpuMax: 0.5, memoryMaxBytes: undefined })
    const load = after({ processCpuMs: 0, group: group(0) }, { processCpuMs: 100, group: group(475) })
    assert.approximately(load.processCpu, 0.95, 1e-9)
  })

  it("memory is of what the container has, or of the machine", () => {
    const memory = { residentBytes: gibibyte, machineBytes: 16 * gibibyte }
    assert.strictEqual(after({}, { memory }).memory, 1 / 16)
    const group = { cpuMs: 0, cpuMax: undefined, memoryMaxBytes: 2 * gibibyte }
    assert.strictEqual(after({}, { memory, group }).memory, 0.5)
  })

  it("packets are the larger of both ways, of what the relay can do", () => {
    const load = after({ work }, { work: { ...work, received: 4000, sent: 9000, participants: 7 } }, 10_000)
    assert.strictEqual(load.packetsPerSecond, 9000)
    assert.strictEqual(load.participants, 7)
    assert.approximately(Load.utilization(load), 0.9, 1e-9)
  })

  it("waits are of those batches that were looked at; nothing sent, nothing waited", () => {
    assert.strictEqual(after({ work }, { work: { ...work, waits: 20, waitMsSum: 600 } }).queueWaitMs, 30)
    assert.strictEqual(after({ work }, { work }).queueWaitMs, 0)
    assert.strictEqual(Load.waitSeverity(after({ work }, { work: { ...work, kernelDrops: 1 } })), 4)
  })

  it("what counts up and begins anew is not taken for a load", () => {
    const load = after({ processCpuMs: 5000, work: { ...work, received: 900 } }, { processCpuMs: 3, work })
    assert.isNaN(load.processCpu)
    assert.isNaN(load.packetsPerSecond)
  })

  it("is smoothed", () => {
    const last = { ...Load.unknown, processCpu: 0.2 }
    const { processCpu } = loadOf({ ...silent, processCpuMs: 0 }, { ...silent, processCpuMs: 250 }, 250, last, NaN)
    assert.approximately(processCpu, 0.2 + 0.8 * (1 - Math.exp(-0.125)), 1e-9)
  })
})
