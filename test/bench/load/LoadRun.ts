import { setTimeout as sleep } from "node:timers/promises"
import * as ProcessFiles from "../ProcessFiles.ts"
import * as Statistics from "../Statistics.ts"
import * as BatchedWires from "./BatchedWires.ts"
import * as LoadGroup from "./LoadGroup.ts"
import type { Delivery, RunOrder, RunReport } from "./LoadOrder.ts"
import * as LoadScene from "./LoadScene.ts"
import { pollWhile } from "./Wire.ts"

/** How often participants are asked whether they have something to say. Milliseconds. */
const pollMs = 10
/** How long the event loop waits at most for its turn: for messages, timers and sockets of others. Milliseconds. */
const sliceMs = 1
/** A millisecond; no load generator has more. */
const samplesPerMs = 1000

/** The sockets of all runs. */
const wires = BatchedWires.make()

/** Everything that has been counted so far, at one moment. */
const workAt = (pid: number, groups: ReadonlyArray<LoadGroup.LoadGroup>) => ({
  ms: performance.now(),
  sent: groups.reduce((sum, { tally }) => sum + tally.sent, 0),
  received: groups.reduce((sum, { tally }) => sum + tally.received, 0),
  cpuSeconds: ProcessFiles.cpuSeconds(pid),
  ...ProcessFiles.cpuTime(pid)
})

const deliveryOf = ({ tally: { received, sent, wrong } }: LoadGroup.LoadGroup): Delivery => ({ sent, received, wrong })

/**
 * Brings everybody into the calls, sends for a while, measures the later part of it, and lets everybody leave. This process
 * never sleeps meanwhile, so that packets go out at their time and are taken in when they come.
 */
export const run = async (order: RunOrder): Promise<RunReport> => {
  try {
    return await carryOut(order)
  } finally {
    wires.closeAll()
  }
}

const carryOut = async (order: RunOrder): Promise<RunReport> => {
  const { pid, timing } = order
  const delays = Statistics.makeSamples(samplesPerMs * timing.measureMs)
  const lates = Statistics.makeSamples(samplesPerMs * timing.measureMs)
  let isMeasuring = false
  const entering = LoadScene.enter(wires, order, (delayMs) => {
    if (isMeasuring) Statistics.addSample(delays, delayMs)
  })
  const scene = await pollWhile(wires, entering)
  const { beside, measured, participants } = scene
  const groups = beside === undefined ? [measured] : [measured, beside]
  const startMs = performance.now()
  for (const group of groups) LoadGroup.start(group, startMs)

  let pollAtMs = startMs
  const turn = (nowMs: number): void => {
    for (const group of groups) LoadGroup.send(group, nowMs, isMeasuring ? lates : undefined)
    wires.poll()
    if (nowMs < pollAtMs) return
    pollAtMs = nowMs + pollMs
    for (const participant of participants) participant.poll(nowMs)
  }

  const turnUntil = (endMs: number) =>
    new Promise<void>((done, fail) => {
      const slice = () => {
        try {
          let nowMs = performance.now()
          const sliceEndMs = wires.notBatched === undefined ? nowMs + sliceMs : nowMs
          do {
            if (nowMs >= endMs) return done()
            turn(nowMs)
            nowMs = performance.now()
          } while (nowMs < sliceEndMs)
          setImmediate(slice)
        } catch (error) {
          fail(error)
        }
      }
      slice()
    })

  await turnUntil(startMs + timing.warmUpMs)
  isMeasuring = true
  const before = workAt(pid, groups)
  await turnUntil(startMs + timing.warmUpMs + timing.measureMs)
  const after = workAt(pid, groups)
  isMeasuring = false
  await pollWhile(wires, sleep(timing.drainMs))
  const droppedHere = wires.dropped()
  await pollWhile(wires, LoadScene.leave(scene))

  const seconds = (after.ms - before.ms) / 1000
  const received = after.received - before.received
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds
  const systemSeconds = after.systemSeconds - before.systemSeconds
  const userSeconds = after.userSeconds - before.userSeconds
  return {
    ...deliveryOf(measured),
    ...(beside && { beside: deliveryOf(beside) }),
    ...(droppedHere === undefined ? {} : { droppedHere }),
    ...(wires.notBatched === undefined ? {} : { notBatched: wires.notBatched }),
    offeredPerSecond: (after.sent - before.sent) / seconds,
    packetsPerSecond: received / seconds,
    cpuMicros: (cpuSeconds * 1e6) / received,
    systemShare: systemSeconds / (systemSeconds + userSeconds),
    relayBusy: cpuSeconds / seconds,
    delayMs: Statistics.quantilesOf(delays),
    lateMs: Statistics.quantilesOf(lates)
  }
}
