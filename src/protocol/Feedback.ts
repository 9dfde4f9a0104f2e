import * as CompactRate from "./CompactRate.ts"

/**
 * The body of a feedback frame: what arrived when, what is missing, which streams need a key frame, and at which rate streams
 * are of use to those who receive them. After the ideas of
 * transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01) and RFC 8888, over the numbers
 * of one leg.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |     rates     |  key frames   |           requests            |
 *     |      base hop sequence        |           arrivals            |
 *     |                        reference time                         |
 *     |             hold              |           reserved            |
 *     | arrivals, 1 or 3 bytes each ... requests, 2 bytes each ...
 *     | key frame requests, one SSRC of 4 bytes each ...
 *     | rates, 6 bytes each: SSRC, and a CompactRate of 16 bits ...
 *
 * On a trunk, where sequences have 32 bits, the upper half of the base stands in the reserved two bytes behind `hold`. Four
 * more follow: the first request in full. Each request is then its distance from that one:
 *
 *     |             hold              |    base hop sequence, high    |
 *     |                         request base                          |
 *
 * An arrival is 0..253: ticks since the arrival before it in this report; 254: a signed 16-bit number of ticks follows;
 * 255: not received. The first counts from the reference time. Times are in ticks of 250 microseconds.
 */
export const fixedBytes = 16
export const wideFixedBytes = 20
/** A feedback frame with its hop header is at most this long. Bytes. */
export const frameBytesMax = 1200
export const ticksPerMs = 4
export const requestsMax = 256
export const keyFramesMax = 16
export const ratesMax = 16
/** Every arrival takes at least one byte. */
export const arrivalsMax = 1024

const rateBytes = 6
const wideDelta = 254
const notReceivedCode = 255
/** `hold` when nothing has arrived since the report before. */
const noHold = 0xffff

/** The requests of one report lie no further apart: a trunk says how far each is from the first, in 16 bits. */
export const requestsSpanMax = 0xffff

/** Mark of a hop sequence that has not arrived, among `arrivalTicks`. */
export const notReceived = -0x80000000

/** A report as it was read. One is made per reader and filled again for every frame. */
export interface Feedback {
  /** As all sequences here: 16 bits, or 32 and signed. See SequenceNumber. */
  baseHopSequence: number
  arrivalCount: number
  /** Arrival of hop sequence `base + i`, in ticks after the reference time, or `notReceived`. */
  readonly arrivalTicks: Int32Array
  /** The receiver's clock when the base arrived, in ticks; wraps at 32 bits. */
  referenceTicks: number
  /** From the arrival of the newest hop sequence in the report to the sending of the report; -1: nothing has arrived. Milliseconds. */
  holdMs: number
  requestCount: number
  /** Repair sequences asked for. */
  readonly requests: Int32Array
  keyFrameCount: number
  /** SSRCs that need a key frame. */
  readonly keyFrameSsrcs: Uint32Array
  rateCount: number
  readonly rateSsrcs: Uint32Array
  /** Of the `i`th of them: what its receivers can take, with all headers. Bits a second. */
  readonly rateBps: Float64Array
}

export const make = (): Feedback => ({
  baseHopSequence: 0,
  arrivalCount: 0,
  arrivalTicks: new Int32Array(arrivalsMax),
  referenceTicks: 0,
  holdMs: -1,
  requestCount: 0,
  requests: new Int32Array(requestsMax),
  keyFrameCount: 0,
  keyFrameSsrcs: new Uint32Array(keyFramesMax),
  rateCount: 0,
  rateSsrcs: new Uint32Array(ratesMax),
  rateBps: new Float64Array(ratesMax)
})

/** In place of an SSRC, from a device: what it believes that its path to the relay carries. */
export const uplinkSsrc = 0

/** There must be room: fewer than `ratesMax` so far. */
export const addRate = (self: Feedback, ssrc: number, bps: number): void => {
  self.rateSsrcs[self.rateCount] = ssrc
  self.rateBps[self.rateCount] = bps
  self.rateCount++
}

/** Reads a body into `into`. `isWide`: a trunk's. False when the bytes are no such body; `into` is then meaningless. */
export const read = (view: DataView, offset: number, lengthBytes: number, into: Feedback, isWide = false): boolean => {
  const headBytes = isWide ? wideFixedBytes : fixedBytes
  if (lengthBytes < headBytes) return false
  const end = offset + lengthBytes
  into.rateCount = view.getUint8(offset)
  into.keyFrameCount = view.getUint8(offset + 1)
  into.requestCount = view.getUint16(offset + 2)
  into.baseHopSequence = view.getUint16(offset + 4) | (isWide ? view.getInt16(offset + 14) << 16 : 0)
  into.arrivalCount = view.getUint16(offset + 6)
  into.referenceTicks = view.getUint32(offset + 8)
  const hold = view.getUint16(offset + 12)
  into.holdMs = hold === noHold ? -1 : hold / ticksPerMs
  if (into.keyFrameCount > keyFramesMax || into.requestCount > requestsMax || into.arrivalCount > arrivalsMax)
    return false
  if (into.rateCount > ratesMax) return false
  let at = offset + headBytes
  let ticks = 0
  for (let i = 0; i < into.arrivalCount; i++) {
    if (at >= end) return false
    const code = view.getUint8(at++)
    if (code === notReceivedCode) {
      into.arrivalTicks[i] = notReceived
      continue
    }
    if (code === wideDelta) {
      if (at + 2 > end) return false
      ticks += view.getInt16(at)
      at += 2
    } else ticks += code
    into.arrivalTicks[i] = ticks
  }
  if (at + 2 * into.requestCount + 4 * into.keyFrameCount + rateBytes * into.rateCount !== end) return false
  const requestBase = isWide ? view.getInt32(offset + fixedBytes) : 0
  // It is the first request.
  if (isWide && into.requestCount > 0 && view.getUint16(at) !== 0) return false
  // The array holds 32 bits: sums beyond them wrap.
  for (let i = 0; i < into.requestCount; i++, at += 2) into.requests[i] = requestBase + view.getUint16(at)
  for (let i = 0; i < into.keyFrameCount; i++, at += 4) into.keyFrameSsrcs[i] = view.getUint32(at)
  for (let i = 0; i < into.rateCount; i++, at += rateBytes) {
    into.rateSsrcs[i] = view.getUint32(at)
    into.rateBps[i] = CompactRate.decode(view.getUint16(at + 4))
  }
  return true
}

/**
 * Writes `feedback` as a body of at most `bytesMax` bytes, held until `nowTicks` of the clock of its reference time, and
 * returns the body's length. Arrivals that do not fit, or lie more than 16 bits of ticks apart, are left for the next
 * report: `feedback.arrivalCount` is lowered to what was written. `feedback.holdMs` is not read. `isWide`: for a trunk.
 */
export const write = (
  view: DataView,
  offset: number,
  bytesMax: number,
  feedback: Feedback,
  nowTicks: number,
  isWide = false
): number => {
  const tail = 2 * feedback.requestCount + 4 * feedback.keyFrameCount + rateBytes * feedback.rateCount
  const arrivalsEnd = offset + bytesMax - tail
  const requestBase = isWide && feedback.requestCount > 0 ? feedback.requests[0]! : 0
  let at = offset + (isWide ? wideFixedBytes : fixedBytes)
  let ticks = 0
  let written = 0
  let received = false
  for (; written < feedback.arrivalCount && at < arrivalsEnd; written++) {
    const arrival = feedback.arrivalTicks[written]!
    if (arrival === notReceived) {
      view.setUint8(at++, notReceivedCode)
      continue
    }
    const delta = arrival - ticks
    if (delta >= 0 && delta < wideDelta) view.setUint8(at++, delta)
    else {
      if (delta < -0x8000 || delta > 0x7fff || at + 3 > arrivalsEnd) break
      view.setUint8(at, wideDelta)
      view.setInt16(at + 1, delta)
      at += 3
    }
    ticks = arrival
    received = true
  }
  const hold = received ? Math.min(noHold - 1, (nowTicks - feedback.referenceTicks - ticks) >>> 0) : noHold
  feedback.arrivalCount = written
  view.setUint8(offset, feedback.rateCount)
  view.setUint8(offset + 1, feedback.keyFrameCount)
  view.setUint16(offset + 2, feedback.requestCount)
  view.setUint16(offset + 4, feedback.baseHopSequence)
  view.setUint16(offset + 6, written)
  view.setUint32(offset + 8, feedback.referenceTicks)
  view.setUint16(offset + 12, hold)
  view.setUint16(offset + 14, isWide ? feedback.baseHopSequence >> 16 : 0)
  if (isWide) view.setInt32(offset + fixedBytes, requestBase)
  for (let i = 0; i < feedback.requestCount; i++, at += 2) view.setUint16(at, feedback.requests[i]! - requestBase)
  for (let i = 0; i < feedback.keyFrameCount; i++, at += 4) view.setUint32(at, feedback.keyFrameSsrcs[i]!)
  for (let i = 0; i < feedback.rateCount; i++, at += rateBytes) {
    view.setUint32(at, feedback.rateSsrcs[i]!)
    view.setUint16(at + 4, CompactRate.encode(feedback.rateBps[i]!))
  }
  return at - offset
}

/** Place, among the arrivals, of the newest hop sequence that has arrived; or -1. It is the one that `holdMs` counts from. */
export const newestReceived = (feedback: Feedback): number => {
  for (let i = feedback.arrivalCount - 1; i >= 0; i--) {
    if (feedback.arrivalTicks[i] !== notReceived) return i
  }
  return -1
}
