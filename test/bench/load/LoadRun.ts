import { setTimeout as sleep } from "node:timers/promises"
import * as ProcessFiles from "../ProcessFiles.ts"
import * as Statistics from "../Statistics.ts"
import type { RunOrder, RunReport } from "./LoadOrder.ts"
import * as LoadScene from "./LoadScene.ts"
import * as MediaFlow from "./MediaFlow.ts"

/** When nothing comes for so long, what is under way is taken for lost. Milliseconds. */
const stalledMs = 50
/** Sent in one turn of the event loop, so that what comes is not left waiting. Packets. */
const burstMax = 16
/** How often participants are asked whether they have something to say. Milliseconds. */
const pollMs = 10
/** How many times are kept for the quantiles. */
const samplesMax = 1 << 18

/** Everything that has been counted so far, at one moment. */
const workAt = (pid: number, received: number) => ({
  ms: performance.now(),
  received,
  cpuSeconds: ProcessFiles.cpuSeconds(pid),
  ...ProcessFiles.cpuTime(pid)
})

/**
 * Brings everybody into the calls, sends for a while, measures the later part of it, and lets everybody leave. The event
 * loop of this process never sleeps meanwhile, so that packets go out at their time and are taken in when they come.
 */
export const run = async (order: RunOrder): Promise<RunReport> => {
  const { pace, pid, timing } = order
  const delays = Statistics.makeSamples(samplesMax)
  const lates = Statistics.makeSamples(samplesMax)
  let isMeasuring = false
  let lastArrivalMs = 0
  let underWay = 0
  const scene = await LoadScene.enter(order, (delayMs, nowMs) => {
    lastArrivalMs = nowMs
    // What has stalled was taken for lost, and may come all the same.
    if (underWay > 0) underWay--
    if (isMeasuring) Statistics.addSample(delays, delayMs)
  })
  const { flows, participants, tally } = scene
  const fanOut = flows[0]!.receivers
  const startMs = performance.now()
  lastArrivalMs = startMs
  let sendings = 0

  const sendNext = (nowMs: number) => MediaFlow.send(flows[sendings++ % flows.length]!, nowMs, tally)

  const sendByClock = (packetsPerSecond: number, nowMs: number) => {
    const intervalMs = (1000 * fanOut) / packetsPerSecond
    for (let burst = 0; burst < burstMax; burst++) {
      const lateMs = nowMs - (startMs + sendings * intervalMs)
      if (lateMs < 0) return
      if (isMeasuring) Statistics.addSample(lates, lateMs)
      sendNext(nowMs)
    }
  }

  const sendSaturated = (packetsUnderWay: number, nowMs: number) => {
    if (nowMs - lastArrivalMs > stalledMs) underWay = 0
    for (let burst = 0; burst < burstMax && underWay + fanOut <= packetsUnderWay; burst++) {
      underWay += fanOut
      sendNext(nowMs)
    }
  }

  let pollAtMs = startMs
  const turnUntil = (endMs: number) =>
    new Promise<void>((done) => {
      const turn = () => {
        const nowMs = performance.now()
        if (nowMs >= endMs) return done()
        if ("packetsPerSecond" in pace) sendByClock(pace.packetsPerSecond, nowMs)
        else sendSaturated(pace.packetsUnderWay, nowMs)
        if (nowMs >= pollAtMs) {
          pollAtMs = nowMs + pollMs
          for (const participant of participants) participant.poll(nowMs)
        }
        setImmediate(turn)
      }
      turn()
    })

  await turnUntil(startMs + timing.warmUpMs)
  isMeasuring = true
  const before = workAt(pid, tally.received)
  await turnUntil(startMs + timing.warmUpMs + timing.measureMs)
  const after = workAt(pid, tally.received)
  isMeasuring = false
  await sleep(timing.drainMs)
  await LoadScene.leave(scene)

  const seconds = (after.ms - before.ms) / 1000
  const received = after.received - before.received
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds
  const systemSeconds = after.systemSeconds - before.systemSeconds
  const userSeconds = after.userSeconds - before.userSeconds
  return {
    ...tally,
    packetsPerSecond: received / seconds,
    cpuMicros: (cpuSeconds * 1e6) / received,
    systemShare: systemSeconds / (systemSeconds + userSeconds),
    relayBusy: cpuSeconds / seconds,
    delayMs: Statistics.quantilesOf(delays),
    lateMs: Statistics.quantilesOf(lates)
  }
}
