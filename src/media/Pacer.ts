/**
 * Spreads what may wait, so that a key frame does not arrive at the path's narrowest place all at once. Everything that is
 * sent on the leg is counted; what is never held back (audio) too, and the rest waits for it. Owned by exactly one leg and
 * changed in place.
 *
 * Two things must hold before a paced packet leaves. In the long run, a budget that fills at the rate is not overdrawn. And
 * in the last 10 ms no more than 10 ms of the rate and one packet have left, whoever polls how rarely: so with the packet
 * itself no 10 ms ever hold more than that and two packets.
 */
export interface Pacer {
  /** A multiple of the estimate: see `pacingFactor`. Bits a second. */
  pacedBps: number
  /** What 10 ms hold at this rate, and half a second: computed with the rate, for they are looked at with every packet. */
  burstBytes: number
  debtBytes: number
  /** What is left of the budget; below 0 what is owed. */
  remainingBytes: number
  /** What has left in the newest milliseconds: of millisecond `n` at `n & placeMask`. All but the newest `slots` are 0. */
  readonly slotBytes: Float64Array
  recentBytes: number
  newestSlot: number
  lastMs: number
}

/** What a paced rate is of the estimate. libwebrtc kDefaultPaceMultiplier. */
export const pacingFactor = 2.5
/** Of what is sent beyond the budget no more than this is waited for. libwebrtc PacingController kMaxDebtInTime. Milliseconds. */
export const debtMsMax = 500
/** What was not sent for longer than this is not made up for; twice the tick of the timers. Milliseconds. */
export const burstMs = 10
/** The largest packet that the sockets send. Bytes. */
export const packetBytesMax = 1500
/** The last 10 ms lie in so many milliseconds, two of them in part. */
const slots = burstMs + 1
/** Of the next power of two. */
const placeMask = 15
/** Less is not owed: a time that was computed by dividing would never quite be reached. */
const roundingBytes = 1
/** The largest rate and datagram that are believed, far beyond any: sums stay finite. */
const pacedBpsMax = 1e12
const sentBytesMax = 65_535

/** Closed until it has a rate. */
export const make = (): Pacer => ({
  pacedBps: 0,
  burstBytes: packetBytesMax,
  debtBytes: 0,
  remainingBytes: 0,
  slotBytes: new Float64Array(placeMask + 1),
  recentBytes: 0,
  newestSlot: 0,
  lastMs: Number.NaN
})

export const setRate = (self: Pacer, pacedBps: number): void => {
  self.pacedBps = pacedBps > 0 ? Math.min(pacedBps, pacedBpsMax) : 0
  self.burstBytes = (self.pacedBps * burstMs) / 8000 + packetBytesMax
  self.debtBytes = (self.pacedBps * debtMsMax) / 8000
  bound(self)
}

/** Call with everything that is sent on the leg. */
export const handleSent = (self: Pacer, bytes: number, nowMs: number): void => {
  advance(self, nowMs)
  const sentBytes = bytes > 0 ? Math.min(bytes, sentBytesMax) : 0
  self.remainingBytes = Math.max(-self.debtBytes, self.remainingBytes - sentBytes)
  self.slotBytes[self.newestSlot & placeMask]! += sentBytes
  self.recentBytes += sentBytes
}

/** Whether a paced packet may be sent now. */
export const isOpen = (self: Pacer, nowMs: number): boolean => {
  advance(self, nowMs)
  return self.pacedBps > 0 && self.remainingBytes > -roundingBytes && self.recentBytes <= self.burstBytes
}

/** When a paced packet may be sent, if nothing else is until then. Milliseconds; -Infinity: at once, Infinity: it has no rate. */
export const nextOpenMs = (self: Pacer): number => {
  if (self.pacedBps === 0) return Infinity
  let openMs = -Infinity
  if (self.remainingBytes <= -roundingBytes) openMs = self.lastMs - (self.remainingBytes * 8000) / self.pacedBps
  let recentBytes = self.recentBytes
  for (let age = slots - 1; age >= 0 && recentBytes > self.burstBytes; age--) {
    const slot = self.newestSlot - age
    recentBytes -= self.slotBytes[slot & placeMask]!
    openMs = Math.max(openMs, slot + slots)
  }
  return openMs
}

/** Time has passed: the budget fills, and what has left longer ago is forgotten. */
const advance = (self: Pacer, nowMs: number): void => {
  // As with all packets of a batch but the first.
  if (nowMs === self.lastMs || !Number.isFinite(nowMs)) return
  const slot = Math.floor(nowMs)
  const isSetBack = slot < self.newestSlot || nowMs < self.lastMs
  if (Number.isNaN(self.lastMs) || isSetBack) {
    // Nothing is won by a clock that was set back: what had left, has left now.
    self.slotBytes.fill(0)
    self.slotBytes[slot & placeMask] = self.recentBytes
  } else {
    forget(self, slot - self.newestSlot)
    self.remainingBytes += (self.pacedBps * (nowMs - self.lastMs)) / 8000
    bound(self)
  }
  self.newestSlot = slot
  self.lastMs = nowMs
}

/** So many milliseconds have passed since the newest. */
const forget = (self: Pacer, passed: number): void => {
  const { slotBytes } = self
  if (passed >= slots) {
    slotBytes.fill(0)
    self.recentBytes = 0
    return
  }
  // Nothing has left before the newest: a leg with little to send has nothing to look for.
  if (self.recentBytes === slotBytes[self.newestSlot & placeMask]) return
  const oldest = (self.newestSlot - burstMs) & placeMask
  let bytes = 0
  for (let i = 0; i < passed; i++) {
    const place = (oldest + i) & placeMask
    bytes += slotBytes[place]!
    slotBytes[place] = 0
  }
  self.recentBytes = Math.max(0, self.recentBytes - bytes)
}

const bound = (self: Pacer): void => {
  self.remainingBytes = Math.min(self.burstBytes, Math.max(-self.debtBytes, self.remainingBytes))
}
