import * as CallerSlot from "./CallerSlot.ts"
import * as GiveUpOrder from "./GiveUpOrder.ts"
import type { Priority } from "./Priority.ts"

/**
 * Who has asked lately, let in or not, by how far the cursor has to go until they are refused: DAGOR's histogram, from which
 * follows how far it has to go for a wanted number. Owned by one throttle, changed in place.
 */
export interface OfferedCalls {
  /** Of each step, and each part of its callers. */
  readonly counts: Float64Array
}

/** A class has so many parts. */
const parts = 16
/** What was a second ago counts for half. Milliseconds. */
const halfLifeMs = 1000

export const make = (): OfferedCalls => ({ counts: new Float64Array(GiveUpOrder.levelMax * parts) })

/** Somebody has asked. */
export const add = ({ counts }: OfferedCalls, priority: Priority, slot: number): void => {
  const step = GiveUpOrder.stepOf(priority)
  if (step === undefined) return
  // The cursor comes to the last slots of a class first.
  const part = parts - 1 - Math.floor((slot * parts) / CallerSlot.slots)
  counts[step * parts + part]!++
}

/** Time goes by. */
export const fade = ({ counts }: OfferedCalls, elapsedMs: number): void => {
  const kept = 0.5 ** (Math.max(0, elapsedMs || 0) / halfLifeMs)
  for (let i = 0; i < counts.length; i++) counts[i]! *= kept
}

/** How many of them are let in at a level. */
export const admittedAt = ({ counts }: OfferedCalls, level: number): number => {
  let sum = 0
  for (let i = 0; i < counts.length; i++) sum += counts[i]! * Math.min(1, Math.max(0, i + 1 - level * parts))
  return sum
}

/** The lowest level at which no more than `wanted` of them are let in. */
export const levelFor = ({ counts }: OfferedCalls, wanted: number): number => {
  let sum = 0
  for (let i = counts.length - 1; i >= 0; i--) {
    const count = counts[i]!
    if (sum + count > wanted) return (i + 1 - Math.max(0, wanted - sum) / count) / parts
    sum += count
  }
  return 0
}
