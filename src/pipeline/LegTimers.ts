import * as Leg from "../media/Leg.ts"
import type { RelayLeg } from "./RelayLeg.ts"

/**
 * When each leg is next to be polled: one hashed timing wheel (Varghese and Lauck, 1987, scheme 6) for all of them, so
 * that idle legs cost nothing. Owned by the pipeline; it never reads a clock.
 */
export interface LegTimers {
  readonly slots: Array<RelayLeg | undefined>
  /** All slots before this tick have been handled. */
  tick: number
  /** Legs in the wheel. */
  size: number
}

/** Finer than any deadline of a leg needs. Milliseconds. */
export const tickMs = 5
/** A power of two; longer waits go round and are looked at once a lap of 2.56 s. */
const slotCount = 512

export const make = (nowMs: number): LegTimers => ({
  slots: new Array<RelayLeg | undefined>(slotCount).fill(undefined),
  tick: Math.floor(nowMs / tickMs),
  size: 0
})

/** Makes sure that the leg is polled when its `hop.deadlineMs` says, or before. Cheap when it already is. */
export const schedule = (self: LegTimers, leg: RelayLeg): void => {
  const { deadlineMs } = leg.hop
  if (deadlineMs === Infinity) return
  const tick = Math.max(self.tick + 1, Math.ceil(deadlineMs / tickMs))
  if (leg.dueTick >= 0) {
    if (leg.dueTick <= tick) return
    unlink(self, leg)
  }
  const slot = tick & (slotCount - 1)
  const first = self.slots[slot]
  leg.dueTick = tick
  leg.nextInSlot = first
  if (first !== undefined) first.previousInSlot = leg
  self.slots[slot] = leg
  self.size++
}

export const remove = (self: LegTimers, leg: RelayLeg): void => {
  if (leg.dueTick >= 0) unlink(self, leg)
}

/** Whether a tick has begun that has not been handled. */
export const isDue = (self: LegTimers, nowMs: number): boolean => Math.floor(nowMs / tickMs) > self.tick

/**
 * Calls `handle` for the legs that are due, and schedules each for its next deadline. After `legsMax` of them it leaves off, and
 * `isDue` stays true: the next call goes on there.
 */
export const poll = (
  self: LegTimers,
  nowMs: number,
  handle: (leg: RelayLeg) => void,
  legsMax: number = Infinity
): void => {
  const until = Math.floor(nowMs / tickMs)
  // After a long stop every slot is looked at once, not once per tick that was missed.
  const from = Math.max(self.tick + 1, until - slotCount + 1)
  let left = legsMax
  self.tick = Math.max(self.tick, until)
  for (let tick = from; tick <= until; tick++) {
    let leg = self.slots[tick & (slotCount - 1)]
    while (leg !== undefined) {
      const next: RelayLeg | undefined = leg.nextInSlot
      if (leg.dueTick <= until) {
        if (left-- === 0) {
          self.tick = tick - 1
          return
        }
        unlink(self, leg)
        handle(leg)
        Leg.noteDeadline(leg.hop)
        schedule(self, leg)
      }
      leg = next
    }
  }
}

const unlink = (self: LegTimers, leg: RelayLeg): void => {
  if (leg.previousInSlot === undefined) self.slots[leg.dueTick & (slotCount - 1)] = leg.nextInSlot
  else leg.previousInSlot.nextInSlot = leg.nextInSlot
  if (leg.nextInSlot !== undefined) leg.nextInSlot.previousInSlot = leg.previousInSlot
  leg.dueTick = -1
  leg.nextInSlot = undefined
  leg.previousInSlot = undefined
  self.size--
}
