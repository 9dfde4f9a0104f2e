import { suspectAfterMs } from "./Liveness.ts"

/**
 * How much silence of its relay a device bears before it goes on at another: so little that nobody hears it, but more
 * after it has moved, because a path that loses packets in bursts is no better elsewhere. Changed in place; reads no clock.
 */
export interface MoveLimit {
  /** To another relay, or to the same once more, for whatever reason. */
  moves: number
  /** The relay that was left because it was silent was alive. */
  movesFalse: number
  lastMoveAtMs: number
  /** The last minute's. Milliseconds. */
  falseMovesAtMs: ReadonlyArray<number>
}

/** So long after a move only a relay that is silent for `silenceMsHeldDown` is left. Milliseconds. */
export const holdDownMs = 5000
export const silenceMsHeldDown = 1000
/** So long each false move doubles the silence that is borne. Milliseconds. */
export const rememberedMs = 60_000
/** More silence is never borne. Without another relay it is borne before the same is asked to resume. Milliseconds. */
export const silenceMsMax = 3300

export const make = (): MoveLimit => ({ moves: 0, movesFalse: 0, lastMoveAtMs: -Infinity, falseMovesAtMs: [] })

export const handleMove = (self: MoveLimit, nowMs: number): void => {
  self.moves++
  self.lastMoveAtMs = nowMs
}

export const handleFalseMove = (self: MoveLimit, nowMs: number): void => {
  self.movesFalse++
  self.falseMovesAtMs = [...recent(self, nowMs), nowMs]
}

export const silenceMs = (self: MoveLimit, nowMs: number): number => {
  const doubled = suspectAfterMs * 2 ** recent(self, nowMs).length
  const heldDown = nowMs - self.lastMoveAtMs < holdDownMs ? silenceMsHeldDown : 0
  return Math.min(silenceMsMax, Math.max(doubled, heldDown))
}

const recent = ({ falseMovesAtMs }: MoveLimit, nowMs: number): ReadonlyArray<number> =>
  falseMovesAtMs.filter((atMs) => nowMs - atMs < rememberedMs)
