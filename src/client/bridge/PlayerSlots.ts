/**
 * Which stream is played in which slot: the k-th stream in slot k, and who comes back where it was. When all slots have been
 * used, new streams get those that have been free for longest. Changed in place.
 */
export interface PlayerSlots {
  /** By number of the slot. */
  readonly slots: Array<Slot>
  /** Grows with every slot that is given back. */
  released: number
}

interface Slot {
  /** Of the stream that is played here, or was. */
  ssrc: number
  isTaken: boolean
  releasedAs: number
}

/** Streams that are played at once: a call of 50 with sound and picture of all but a few. */
export const slotsMax = 128

export const make = (): PlayerSlots => ({ slots: [], released: 0 })

/** The slot of a stream that begins; `undefined`: there is none left. */
export const take = (self: PlayerSlots, ssrc: number): number | undefined => {
  const { slots } = self
  const own = slots.findIndex((slot) => slot.ssrc === ssrc && !slot.isTaken)
  if (own >= 0) return occupy(slots, own, ssrc)
  if (slots.length < slotsMax) return occupy(slots, slots.length, ssrc)
  let oldest: number | undefined
  slots.forEach(({ isTaken, releasedAs }, at) => {
    if (!isTaken && (oldest === undefined || releasedAs < slots[oldest]!.releasedAs)) oldest = at
  })
  return oldest === undefined ? undefined : occupy(slots, oldest, ssrc)
}

/** The stream has ended. */
export const release = (self: PlayerSlots, ssrc: number): void => {
  const slot = self.slots.find((slot) => slot.ssrc === ssrc && slot.isTaken)
  if (slot === undefined) return
  slot.isTaken = false
  slot.releasedAs = self.released++
}

const occupy = (slots: Array<Slot>, at: number, ssrc: number): number => {
  slots[at] = { ssrc, isTaken: true, releasedAs: -1 }
  return at
}
