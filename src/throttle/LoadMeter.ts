import { Clock, Context, Effect, Layer, Metric, PubSub, type Scope, Stream } from "effect"
import * as Capacity from "./Capacity.ts"
import * as Load from "./Load.ts"
import { loadOf, type LoadReading } from "./LoadReading.ts"
import type { RelayWork } from "./RelayWork.ts"
import { ControlGroup } from "./sources/ControlGroup.ts"
import { LoopDelay } from "./sources/LoopDelay.ts"
import { MachineCpu } from "./sources/MachineCpu.ts"
import { ProcessCpu } from "./sources/ProcessCpu.ts"
import { ProcessMemory } from "./sources/ProcessMemory.ts"

/** The load, and how long the sample before it was ago. Milliseconds. */
export interface LoadSample {
  readonly load: Load.Load
  readonly elapsedMs: number
}

/** Measures what a relay has to do, several times a second. */
export class LoadMeter extends Context.Service<
  LoadMeter,
  {
    readonly load: () => Load.Load
    /** Each sample, from now on. */
    readonly samples: Stream.Stream<LoadSample>
    /** The relay whose packets are counted, as long as the scope. */
    readonly watch: (work: RelayWork) => Effect.Effect<void, never, Scope.Scope>
  }
>()("tandem/throttle/LoadMeter") {}

/** Milliseconds. */
export const sampleMs = 250
/** Whoever collects metrics does so every few seconds. */
const samplesPerShow = 4
/** Somebody has set a clock, or the machine has slept: of such a time nothing is known. Milliseconds. */
const elapsedMsMax = 5000

const gauges = {
  processCpu: "CPU of the thread that forwards, of what it may use",
  machineCpu: "CPU of the machine that is in use",
  stolenCpu: "CPU of the machine that its host has taken away",
  loopDelayMs: "How late timers are, in milliseconds",
  queueWaitMs: "How long packets wait between the socket and being sent, in milliseconds",
  kernelDropsPerSecond: "Datagrams a second that found the receive buffer full",
  memory: "Memory in use, of what the process may use",
  packetsPerSecond: "The larger of datagrams received and sent, a second"
} as const
const gaugeOf = (field: string, description: string) =>
  Metric.withAttributes(Metric.gauge("tandem_load", { description }), { of: field })
const metrics = Object.entries(gauges).map(([field, description]) => ({
  field: field as keyof typeof gauges,
  gauge: gaugeOf(field, description)
}))

const make = Effect.fnUntraced(function* (capacity: number | undefined) {
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const processCpu = yield* ProcessCpu
  const machineCpu = yield* MachineCpu
  const controlGroup = yield* ControlGroup
  const loopDelay = yield* LoopDelay
  const processMemory = yield* ProcessMemory
  const samples = yield* PubSub.sliding<LoadSample>(1)

  const isUsable = capacity === undefined || Capacity.isPossible(capacity)
  if (!isUsable) yield* Effect.logWarning(`${Capacity.refusal(capacity)}; this relay goes by its CPU alone`)
  const capacityPerSecond = isUsable ? (capacity ?? NaN) : NaN

  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  let work: RelayWork | undefined
  const read = (sleptMs: number): LoadReading => ({
    processCpuMs: processCpu.read(),
    machine: machineCpu.read(),
    group: controlGroup.read(),
    loopDelayMs: loopDelay.read(sampleMs, sleptMs),
    memory: processMemory.read(),
    work: work?.read()
  })
  let reading = read(sampleMs)
  let readAtMs = nowMs()
  let load: Load.Load = { ...Load.unknown, capacityPerSecond }
  const silent = new Set<string>()
  let samplesUntilShow = 0

  /** Says once which figures have stopped, and once that they are back. */
  const notice = (before: LoadReading, now: LoadReading) =>
    Effect.forEach(["processCpuMs", "machine", "memory"] as const, (source) => {
      const isSilent = now[source] === undefined
      if (isSilent === silent.has(source) || (isSilent && before[source] === undefined)) return Effect.void
      if (isSilent) silent.add(source)
      else silent.delete(source)
      return Effect.logWarning(
        `the load meter ${isSilent ? "gets no figures any more" : "gets figures again"}: ${source}`
      )
    })

  const sample = (sleptMs: number) => {
    const before = reading
    const atMs = nowMs()
    const elapsedMs = atMs - readAtMs
    reading = read(sleptMs)
    readAtMs = atMs
    if (elapsedMs <= 0 || elapsedMs > elapsedMsMax) return Effect.void
    load = loadOf(before, reading, elapsedMs, load, capacityPerSecond)
    if (samplesUntilShow-- === 0) {
      samplesUntilShow = samplesPerShow - 1
      for (const { field, gauge } of metrics) gauge.updateUnsafe(load[field], context)
    }
    return Effect.andThen(notice(before, reading), PubSub.publish(samples, { load, elapsedMs }))
  }
  const rest = Effect.suspend(() => {
    const sinceMs = nowMs()
    return Effect.map(Effect.sleep(sampleMs), () => nowMs() - sinceMs)
  })
  yield* Effect.flatMap(rest, sample).pipe(Effect.forever, Effect.forkScoped)

  return LoadMeter.of({
    load: () => load,
    samples: Stream.fromPubSub(samples),
    watch: (watched) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          work = watched
        }),
        () =>
          Effect.sync(() => {
            if (work === watched) work = undefined
          })
      )
  })
})

export interface Options {
  /** What this relay can forward, as `npm run bench` has measured it. Packets a second; left out: CPU is the measure. */
  readonly capacityPerSecond?: number | undefined
}

/** From sources of any kind. */
export const layerFrom = ({ capacityPerSecond }: Options = {}) => Layer.effect(LoadMeter, make(capacityPerSecond))

/** From what the system says. */
export const layer = (options: Options = {}) =>
  layerFrom(options).pipe(
    Layer.provide([ProcessCpu.layer, MachineCpu.layer, ControlGroup.layer, LoopDelay.layer, ProcessMemory.layer])
  )
