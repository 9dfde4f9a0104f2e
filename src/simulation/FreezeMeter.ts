/**
 * Video freezes as WebRTC counts them (freezeCount and totalFreezesDuration of RTCInboundRtpStreamStats): the time between
 * two rendered frames is at least three times the average, and at least 150 ms longer than it. The average is that of the
 * frames before. Changed in place.
 */
export interface FreezeMeter {
  lastAtMs: number
  frames: number
  freezes: number
  freezeMs: number
  /** Of the newest frames, a ring. Milliseconds. */
  readonly intervalsMs: Float64Array
  intervals: number
  intervalsSumMs: number
}

/** Frames of the average. libwebrtc kAvgInterframeDelaysWindowSizeFrames. */
const window = 30
/** With fewer there is no average yet. libwebrtc kMinFrameSamplesToDetectFreeze. */
const intervalsMin = 5
/** libwebrtc kMinIncreaseForFreezeMs. */
const increaseMsMin = 150

export const make = (): FreezeMeter => ({
  lastAtMs: -1,
  frames: 0,
  freezes: 0,
  freezeMs: 0,
  intervalsMs: new Float64Array(window),
  intervals: 0,
  intervalsSumMs: 0
})

export const handleFrame = (self: FreezeMeter, renderedAtMs: number): void => {
  self.frames++
  if (self.lastAtMs >= 0) {
    const intervalMs = renderedAtMs - self.lastAtMs
    noteIfFrozen(self, intervalMs)
    const at = self.intervals % window
    self.intervalsSumMs += intervalMs - (self.intervals >= window ? self.intervalsMs[at]! : 0)
    self.intervalsMs[at] = intervalMs
    self.intervals++
  }
  self.lastAtMs = renderedAtMs
}

/** The picture is meant to stand still from the last frame to the next: that is no freeze. */
export const pause = (self: FreezeMeter): void => {
  self.lastAtMs = -1
}

/** The call has ended: a picture that stands still until then is a freeze too. */
export const finish = (self: FreezeMeter, endMs: number): void => {
  if (self.lastAtMs >= 0) noteIfFrozen(self, endMs - self.lastAtMs)
}

const noteIfFrozen = (self: FreezeMeter, intervalMs: number): void => {
  if (self.intervals < intervalsMin) return
  const averageMs = self.intervalsSumMs / Math.min(self.intervals, window)
  if (intervalMs < Math.max(3 * averageMs, averageMs + increaseMsMin)) return
  self.freezes++
  self.freezeMs += intervalMs
}
