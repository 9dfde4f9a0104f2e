import type { ReportedPacket } from "./ReportedPacket.ts"

/**
 * The rate that the packets of a probe have shown: libwebrtc ProbeBitrateEstimator. A few probes at a time, in fixed places.
 * Owned by exactly one leg and changed in place.
 */
export interface ProbeResults {
  /** Of the probe at this place: its number, 0 for none; what of it must be reported. */
  readonly probeIds: Uint32Array
  readonly packetsMin: Float64Array
  readonly bytesMin: Float64Array
  /** What has been reported. */
  readonly packets: Float64Array
  readonly bytes: Float64Array
  readonly firstSentAtMs: Float64Array
  readonly lastSentAtMs: Float64Array
  readonly lastSentBytes: Float64Array
  readonly firstArrivedAtMs: Float64Array
  readonly lastArrivedAtMs: Float64Array
  readonly firstArrivedBytes: Float64Array
  /** Where the next probe goes. */
  next: number
  /** What `take` is going to say; NaN: nothing. Bits a second. */
  resultBps: number
}

/** Two are sent at the start, and the next while reports of those may still come. */
export const probesMax = 4
/** libwebrtc kMinReceivedProbesRatio and kMinReceivedBytesRatio. */
const reportedRatioMin = 0.8
/** libwebrtc kMaxProbeInterval. Milliseconds. */
export const intervalMsMax = 1000
/** A probe lasts 15 ms: what came in less was bundled on the way and has no rate. Milliseconds. */
export const intervalMsMin = 1
/** libwebrtc kMaxValidRatio: who receives twice as fast as was sent has received what had been held up. */
const receiveRatioMax = 2
/** libwebrtc kMinRatioForUnsaturatedLink. */
const unsaturatedRatioMin = 0.9
/** libwebrtc kTargetUtilizationFraction, of what a saturated path let through. */
const saturatedScale = 0.95
/** The largest UDP datagram: what claims to be larger is counted as this. */
const packetBytesMax = 65_535

export const make = (): ProbeResults => ({
  probeIds: new Uint32Array(probesMax),
  packetsMin: new Float64Array(probesMax),
  bytesMin: new Float64Array(probesMax),
  packets: new Float64Array(probesMax),
  bytes: new Float64Array(probesMax),
  firstSentAtMs: new Float64Array(probesMax),
  lastSentAtMs: new Float64Array(probesMax),
  lastSentBytes: new Float64Array(probesMax),
  firstArrivedAtMs: new Float64Array(probesMax),
  lastArrivedAtMs: new Float64Array(probesMax),
  firstArrivedBytes: new Float64Array(probesMax),
  next: 0,
  resultBps: Number.NaN
})

/** Call when a probe starts. The oldest of too many is forgotten. */
export const start = (self: ProbeResults, probeId: number, packetsMin: number, bytesMin: number): void => {
  const at = self.next
  self.next = (at + 1) % probesMax
  self.probeIds[at] = probeId
  self.packetsMin[at] = packetsMin
  self.bytesMin[at] = bytesMin
  self.packets[at] = 0
  self.bytes[at] = 0
  self.firstSentAtMs[at] = Infinity
  self.lastSentAtMs[at] = -Infinity
  self.lastSentBytes[at] = 0
  self.firstArrivedAtMs[at] = Infinity
  self.lastArrivedAtMs[at] = -Infinity
  self.firstArrivedBytes[at] = 0
}

/** Call for each packet of a probe that has arrived. The two clocks need not agree. */
export const handlePacket = (self: ProbeResults, probeId: number, packet: ReportedPacket): void => {
  const { arrivedAtMs, bytes, sentAtMs } = packet
  const at = probeId > 0 ? self.probeIds.indexOf(probeId) : -1
  if (at < 0 || !Number.isFinite(sentAtMs) || !Number.isFinite(arrivedAtMs) || !(bytes >= 1)) return
  const counted = Math.min(bytes, packetBytesMax)
  self.packets[at]!++
  self.bytes[at]! += counted
  if (sentAtMs < self.firstSentAtMs[at]!) self.firstSentAtMs[at] = sentAtMs
  if (sentAtMs > self.lastSentAtMs[at]!) {
    self.lastSentAtMs[at] = sentAtMs
    self.lastSentBytes[at] = counted
  }
  if (arrivedAtMs < self.firstArrivedAtMs[at]!) {
    self.firstArrivedAtMs[at] = arrivedAtMs
    self.firstArrivedBytes[at] = counted
  }
  if (arrivedAtMs > self.lastArrivedAtMs[at]!) self.lastArrivedAtMs[at] = arrivedAtMs
  const shownBps = measure(self, at)
  if (!Number.isNaN(shownBps)) self.resultBps = shownBps
}

/** The newest result, once. NaN: none. Bits a second. */
export const take = (self: ProbeResults): number => {
  const { resultBps } = self
  self.resultBps = Number.NaN
  return resultBps
}

/** NaN while too little has been reported, and when it shows nothing. */
const measure = (self: ProbeResults, at: number): number => {
  if (self.packets[at]! < self.packetsMin[at]! * reportedRatioMin) return Number.NaN
  if (self.bytes[at]! < self.bytesMin[at]! * reportedRatioMin) return Number.NaN
  const sendMs = self.lastSentAtMs[at]! - self.firstSentAtMs[at]!
  const receiveMs = self.lastArrivedAtMs[at]! - self.firstArrivedAtMs[at]!
  if (!isMeasurable(sendMs) || !isMeasurable(receiveMs)) return Number.NaN
  // The interval ends when the last packet begins to leave, and begins when the first has arrived whole.
  const sendBps = ((self.bytes[at]! - self.lastSentBytes[at]!) * 8000) / sendMs
  const receiveBps = ((self.bytes[at]! - self.firstArrivedBytes[at]!) * 8000) / receiveMs
  if (!(sendBps > 0) || receiveBps > receiveRatioMax * sendBps) return Number.NaN
  return receiveBps < unsaturatedRatioMin * sendBps ? saturatedScale * receiveBps : Math.min(sendBps, receiveBps)
}

const isMeasurable = (intervalMs: number): boolean => intervalMs >= intervalMsMin && intervalMs <= intervalMsMax
