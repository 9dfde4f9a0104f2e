import type { StreamClock } from "./StreamClock.ts"

/**
 * Numbers for the clocks that packets refer to, so that a table of packets holds numbers: a table of objects would have to
 * be looked through at every garbage collection. A clock has its number while packets refer to it. Changed in place.
 */
export interface ClockNumbers {
  readonly clocks: Array<StreamClock | undefined>
  /** Packets that refer to the clock of that number. */
  uses: Int32Array
  /** Numbers that were given before and are not in use. */
  readonly free: Array<number>
}

export const make = (): ClockNumbers => ({ clocks: [], uses: new Int32Array(64), free: [] })

export const clockOf = (self: ClockNumbers, number: number): StreamClock => self.clocks[number]!

/** One more packet refers to this clock; its number. */
export const take = (self: ClockNumbers, clock: StreamClock): number => {
  if (self.clocks[clock.number] !== clock) give(self, clock)
  self.uses[clock.number]!++
  return clock.number
}

/** A packet that referred to the clock of this number is gone. */
export const release = (self: ClockNumbers, number: number): void => {
  if (--self.uses[number]! > 0) return
  self.clocks[number] = undefined
  self.free.push(number)
}

const give = (self: ClockNumbers, clock: StreamClock): void => {
  const number = self.free.pop() ?? self.clocks.length
  if (number === self.uses.length) {
    const uses = new Int32Array(2 * number)
    uses.set(self.uses)
    self.uses = uses
  }
  self.clocks[number] = clock
  clock.number = number
}
