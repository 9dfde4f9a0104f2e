/** The wish for a key frame of one stream, however many receivers have it. Owned by the leg that the stream comes from. */
export interface KeyFrameRequest {
  readonly ssrc: number
  pending: boolean
  askedAtMs: number
  /** How often this wish has been asked, but for what was lost. 0: nothing is on its way that still matters. */
  asked: number
  /**
   * Whether the stream's descriptors have ever said that a key frame starts. A sender that forwards ciphertext cannot
   * know, so nothing will ever say that its wish is fulfilled.
   */
  marksKeyFrames: boolean
}

/** Not more often than this, upstream. Milliseconds. */
export const repeatMs = 500
/** Of a stream that has never marked a key frame a wish is asked so often, for one may be lost, and then dropped. */
export const unmarkedAsksMax = 2

export const make = (ssrc: number): KeyFrameRequest => ({
  ssrc,
  pending: false,
  askedAtMs: -Infinity,
  asked: 0,
  marksKeyFrames: false
})

/** A receiver needs a key frame. */
export const handleRequest = (self: KeyFrameRequest): void => {
  if (self.pending) return
  self.pending = true
  self.asked = 0
}

/** Nobody gets the stream any more. */
export const forget = (self: KeyFrameRequest): void => {
  self.pending = false
  self.asked = 0
}

/** A key frame has passed. */
export const handleKeyFrame = (self: KeyFrameRequest): void => {
  forget(self)
  self.marksKeyFrames = true
}

/**
 * What was asked then has been lost, and is asked again: at once, if nothing was asked since. `isCertain`: the other side says so. If
 * it is not, or another is on its way, a stream that marks its key frames can wait, for one too many costs more than a late one.
 */
export const handleLost = (self: KeyFrameRequest, askedAtMs: number, isCertain: boolean): void => {
  const isLast = askedAtMs === self.askedAtMs
  if (self.asked === 0 || (self.marksKeyFrames && !(isLast && isCertain))) return
  self.asked--
  self.pending = true
  if (isLast) self.askedAtMs = -Infinity
}

/** Whether to ask upstream now; the caller does. */
export const poll = (self: KeyFrameRequest, nowMs: number): boolean => {
  if (!self.pending || nowMs - self.askedAtMs < repeatMs) return false
  self.askedAtMs = nowMs
  self.asked++
  if (!self.marksKeyFrames && self.asked === unmarkedAsksMax) self.pending = false
  return true
}

export const nextDeadlineMs = (self: KeyFrameRequest): number => (self.pending ? self.askedAtMs + repeatMs : Infinity)
