/**
 * What share of the packets was lost lately, the older ones counting less. Packets count and not reports: whoever misses
 * something reports at once, so reports with losses are the short ones. Owned by one state machine, changed in place.
 */
export interface RecentLoss {
  /** Time constant: what is as old as this counts a third of what is new. Milliseconds. */
  readonly spanMs: number
  packets: number
  lost: number
  reportedAtMs: number
}

export const make = (spanMs: number): RecentLoss => ({ spanMs, packets: 0, lost: 0, reportedAtMs: 0 })

export const add = (self: RecentLoss, packets: number, lossRatio: number, nowMs: number): void => {
  const keep = Math.max(0, 1 - Math.max(0, nowMs - self.reportedAtMs) / self.spanMs)
  self.packets = keep * self.packets + packets
  self.lost = keep * self.lost + lossRatio * packets
  self.reportedAtMs = nowMs
}

/** 0 before anything has been reported. Share. */
export const lossRatio = ({ lost, packets }: RecentLoss): number => (packets === 0 ? 0 : lost / packets)
