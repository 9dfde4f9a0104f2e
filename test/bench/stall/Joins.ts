import * as DgramWires from "../load/DgramWires.ts"
import type { RelayPlace } from "../load/LoadOrder.ts"
import * as TandemParticipant from "../load/TandemParticipant.ts"

/** Between two of them. Milliseconds. */
const everyMs = 50

/** What became of them so far. */
export interface Tally {
  tried: number
  granted: number
  /** Refused, or not answered. */
  refused: number
}

/** Devices that come into calls of their own and leave at once, so that there is always something to save. */
export interface Joins {
  readonly tally: Readonly<Tally>
  /** No more of them. Resolves when those under way have come to their end. */
  readonly stop: () => Promise<void>
}

let calls = 0

/** Whether it was let in. */
const attempt = async (relay: RelayPlace): Promise<boolean> => {
  // A socket for each, closed behind it: who comes again from the same port would be known to the relay.
  const wires = DgramWires.make("one device")
  try {
    const call = `stall ${process.pid}, call ${++calls}`
    const place = { relay, call, participant: "participant", callSize: 2, ssrc: 1, kind: "audio" as const }
    const participant = await TandemParticipant.open(place, wires)
    try {
      await participant.join([])
    } catch {
      return false
    }
    // Who has come between two states of the store may not be able to say farewell.
    await participant.leave().catch(() => {})
    return true
  } finally {
    wires.closeAll()
  }
}

/** Resolves when somebody is let in: the store is back, and the relay knows it. */
export const untilGranted = async (relay: RelayPlace): Promise<void> => {
  while (!(await attempt(relay)));
}

export const start = (relay: RelayPlace): Joins => {
  const tally: Tally = { tried: 0, granted: 0, refused: 0 }
  const underWay = new Set<Promise<void>>()
  const one = async () => {
    tally.tried++
    if (await attempt(relay)) tally.granted++
    else tally.refused++
  }
  const timer = setInterval(() => {
    const attempting = one().finally(() => underWay.delete(attempting))
    underWay.add(attempting)
  }, everyMs)
  return {
    tally,
    stop: async () => {
      clearInterval(timer)
      await Promise.all(underWay)
    }
  }
}
