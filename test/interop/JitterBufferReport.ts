/** One RTP packet as it left a jitter buffer, in order: sequence number, timestamp, and 1 at the end of a frame. */
export type Released = readonly [sequenceNumber: number, timestamp: number, marker: number]

/** What receive_video.py says at its end. */
export interface JitterBufferReport {
  /** GStreamer's rtpjitterbuffer's own words. */
  readonly jitterBuffer: {
    readonly "num-pushed": number
    /** Had not come when it was needed. */
    readonly "num-lost": number
    /** Came after it was needed: counted in num-lost before. */
    readonly "num-late": number
  }
  readonly packets: ReadonlyArray<Released>
  readonly pictures: number
  readonly keyFrames: number
  /** From the request for a key frame to the next; `null` when none came. */
  readonly keyFrameWaitSeconds: number | null
  readonly hasSenderReport: boolean
}

/** Of 30 frames a second. Ticks of 90 kHz. */
const frameTicks = 3000

/** Lost and late packets as a share of all. */
export const lossRatio = ({ jitterBuffer }: JitterBufferReport): number => {
  const { "num-late": late, "num-lost": lost, "num-pushed": pushed } = jitterBuffer
  return (lost + late) / (pushed + lost)
}

/** Packets that were not there when they were needed, lost or late, as a share of all: each counts once. */
export const missingRatio = ({ jitterBuffer }: JitterBufferReport): number => {
  const { "num-lost": lost, "num-pushed": pushed } = jitterBuffer
  return lost / (pushed + lost)
}

/**
 * The longest run of frames, by their timestamps, of which something is missing. A packet that is lost between two frames
 * counts against both.
 */
export const framesMissingMax = (packets: ReadonlyArray<Released>): number => {
  let longest = 0
  let wholeAt: number | undefined
  let isWhole = true
  let before: Released | undefined
  for (const packet of packets) {
    const [sequenceNumber, timestamp, marker] = packet
    const isNext = before === undefined || sequenceNumber === ((before[0] + 1) & 0xffff)
    const isBegin = before === undefined || before[1] !== timestamp
    isWhole = isNext && (isBegin || isWhole)
    if (isWhole && marker === 1) {
      if (wholeAt !== undefined) {
        longest = Math.max(longest, Math.round(((timestamp - wholeAt) >>> 0) / frameTicks) - 1)
      }
      wholeAt = timestamp
    }
    before = packet
  }
  return longest
}
