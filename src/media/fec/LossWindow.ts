/** The loss that the last reports of one leg told. Owned by one state machine, changed in place. */
export interface LossWindow {
  readonly lossRatios: Float64Array
  readonly atMs: Float64Array
  /** Sorted, while a percentile is looked for. */
  readonly sorted: Float64Array
  /** Place that the next report gets. */
  next: number
  count: number
}

/** Reports kept: of the last 12.8 s if one comes every 100 ms. */
const reportsMax = 128

export const make = (): LossWindow => ({
  lossRatios: new Float64Array(reportsMax),
  atMs: new Float64Array(reportsMax),
  sorted: new Float64Array(reportsMax),
  next: 0,
  count: 0
})

export const add = (self: LossWindow, lossRatio: number, nowMs: number): void => {
  self.lossRatios[self.next] = lossRatio
  self.atMs[self.next] = nowMs
  self.next = (self.next + 1) % reportsMax
  if (self.count < reportsMax) self.count++
}

/** Mean of the reports of the last `spanMs`. 0 if there is none. */
export const mean = (self: LossWindow, spanMs: number, nowMs: number): number => {
  let sum = 0
  let reports = 0
  for (; reports < self.count; reports++) {
    const at = placeBack(self, reports)
    if (nowMs - self.atMs[at]! > spanMs) break
    sum += self.lossRatios[at]!
  }
  return reports === 0 ? 0 : sum / reports
}

/** What `share` of the reports of the last `spanMs` do not exceed. 0 if there is none. */
export const percentile = (self: LossWindow, share: number, spanMs: number, nowMs: number): number => {
  let reports = 0
  // What is no report is more than all, and comes to stand behind them.
  self.sorted.fill(Infinity)
  for (; reports < self.count; reports++) {
    const at = placeBack(self, reports)
    if (nowMs - self.atMs[at]! > spanMs) break
    self.sorted[reports] = self.lossRatios[at]!
  }
  if (reports === 0) return 0
  self.sorted.sort()
  return self.sorted[Math.ceil(share * reports) - 1]!
}

const placeBack = (self: LossWindow, back: number): number => (self.next - 1 - back + 2 * reportsMax) % reportsMax
