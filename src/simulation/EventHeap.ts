/**
 * What is to happen, by time; of the same time in the order in which it was scheduled. A binary heap (Williams, 1964) in
 * typed arrays: an event is a time, the number of a handler and a place that means something to it, so that none is
 * allocated. The only clock of a simulation. Owned by one simulation.
 */
export interface EventHeap {
  /** Of the event that is being handled, or of the end of the last run. Milliseconds. */
  nowMs: number
  size: number
  /** Events scheduled so far: the order of those of the same time. */
  scheduled: number
  readonly handlers: Array<Handler>
  /** While the machine stands still, nothing happens: what would, does when it goes on. By time. */
  standstills: ReadonlyArray<Standstill>
  timesMs: Float64Array
  orders: Float64Array
  handlerOf: Int32Array
  placeOf: Int32Array
}

/** Milliseconds. */
export interface Standstill {
  readonly fromMs: number
  readonly untilMs: number
}

export type Handler = (place: number, nowMs: number) => void

const capacityInitial = 256

export const make = (): EventHeap => ({
  nowMs: 0,
  size: 0,
  scheduled: 0,
  handlers: [],
  standstills: [],
  timesMs: new Float64Array(capacityInitial),
  orders: new Float64Array(capacityInitial),
  handlerOf: new Int32Array(capacityInitial),
  placeOf: new Int32Array(capacityInitial)
})

/** The number by which events name this handler. */
export const register = (self: EventHeap, handler: Handler): number => self.handlers.push(handler) - 1

/** Nothing happens before now: an earlier time is now. Infinity is never. */
export const schedule = (self: EventHeap, atMs: number, handler: number, place: number): void => {
  if (atMs === Infinity) return
  if (self.size === self.timesMs.length) grow(self)
  const timeMs = atMs > self.nowMs ? atMs : self.nowMs
  // It is the newest, so it goes before those of a later time alone.
  let at = self.size++
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (self.timesMs[parent]! <= timeMs) break
    move(self, parent, at)
    at = parent
  }
  self.timesMs[at] = timeMs
  self.orders[at] = self.scheduled++
  self.handlerOf[at] = handler
  self.placeOf[at] = place
}

/** Handles all events up to this time, those that are scheduled meanwhile too; then it is that time. */
export const runUntil = (self: EventHeap, untilMs: number): void => {
  while (self.size > 0 && self.timesMs[0]! <= untilMs) {
    const timeMs = self.timesMs[0]!
    const handler = self.handlerOf[0]!
    const place = self.placeOf[0]!
    removeFirst(self)
    self.nowMs = goesOnAtMs(self, Math.max(timeMs, self.nowMs))
    self.handlers[handler]!(place, self.nowMs)
  }
  self.nowMs = untilMs
}

const goesOnAtMs = (self: EventHeap, timeMs: number): number => {
  while (self.standstills.length > 0 && self.standstills[0]!.untilMs <= timeMs)
    self.standstills = self.standstills.slice(1)
  const [next] = self.standstills
  return next !== undefined && next.fromMs <= timeMs ? next.untilMs : timeMs
}

const removeFirst = (self: EventHeap): void => {
  const { orders, timesMs } = self
  const last = --self.size
  const timeMs = timesMs[last]!
  const order = orders[last]!
  let at = 0
  for (let child = 1; child < last; child = 2 * at + 1) {
    if (child + 1 < last && isBefore(self, child + 1, timesMs[child]!, orders[child]!)) child++
    if (!isBefore(self, child, timeMs, order)) break
    move(self, child, at)
    at = child
  }
  move(self, last, at)
}

const isBefore = ({ orders, timesMs }: EventHeap, at: number, timeMs: number, order: number): boolean => {
  const atMs = timesMs[at]!
  return atMs < timeMs || (atMs === timeMs && orders[at]! < order)
}

const move = (self: EventHeap, from: number, to: number): void => {
  self.timesMs[to] = self.timesMs[from]!
  self.orders[to] = self.orders[from]!
  self.handlerOf[to] = self.handlerOf[from]!
  self.placeOf[to] = self.placeOf[from]!
}

const grow = (self: EventHeap): void => {
  const capacity = 2 * self.timesMs.length
  const { handlerOf, orders, placeOf, timesMs } = self
  self.timesMs = new Float64Array(capacity)
  self.orders = new Float64Array(capacity)
  self.handlerOf = new Int32Array(capacity)
  self.placeOf = new Int32Array(capacity)
  self.timesMs.set(timesMs)
  self.orders.set(orders)
  self.handlerOf.set(handlerOf)
  self.placeOf.set(placeOf)
}
