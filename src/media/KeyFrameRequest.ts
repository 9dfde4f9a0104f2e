/** The wish for a key frame of one stream, however many receivers have it. Owned by the leg that the stream comes from. */
export interface KeyFrameRequest {
  readonly ssrc: number
  pending: boolean
  askedAtMs: number
}

/** Not more often than this, upstream. Milliseconds. */
export const repeatMs = 500

export const make = (ssrc: number): KeyFrameRequest => ({ ssrc, pending: false, askedAtMs: -Infinity })

/** A receiver needs a key frame. */
export const handleRequest = (self: KeyFrameRequest): void => {
  self.pending = true
}

/** A key frame has passed. */
export const handleKeyFrame = (self: KeyFrameRequest): void => {
  self.pending = false
}

/** Whether to ask upstream now; the caller does. */
export const poll = (self: KeyFrameRequest, nowMs: number): boolean => {
  if (!self.pending || nowMs - self.askedAtMs < repeatMs) return false
  self.askedAtMs = nowMs
  return true
}

export const nextDeadlineMs = (self: KeyFrameRequest): number => (self.pending ? self.askedAtMs + repeatMs : Infinity)
