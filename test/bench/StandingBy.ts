import * as ForwardingLoad from "../pipeline/ForwardingLoad.ts"

/**
 * What it costs that legs estimate their paths, pace, and stand by to protect, while their receivers report no loss: the same
 * call of two with video, and with all of it in frames of audio, for which nothing of that is done.
 */

/** Batches between two reports: 1,024 packets are as many as one tells of. */
const reportBatches = 16
/** Of one turn, however few were asked for. */
const packetsMin = 64 * reportBatches
/** Both are measured in turn, so that whatever the machine does meets both. */
const turns = 10

/** Nanoseconds that a packet costs more. The harness is in both, and so in neither. */
export const measure = (batches: number): number => {
  const packets = Math.max(packetsMin, Math.floor((batches * 64) / turns))
  const all = ForwardingLoad.make(2, reportBatches)
  const none = ForwardingLoad.make(2, reportBatches, true)
  const nanoseconds = (load: typeof all): number => {
    const start = process.hrtime.bigint()
    const handled = load.run(packets, () => {})
    return Number(process.hrtime.bigint() - start) / handled
  }
  const more: Array<number> = []
  // The first turns warm up.
  for (let turn = -2; turn < turns; turn++) {
    const difference = nanoseconds(all) - nanoseconds(none)
    if (turn >= 0) more.push(difference)
  }
  return more.sort((a, b) => a - b)[turns >> 1]!
}
