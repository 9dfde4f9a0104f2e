import type { ForwardingPlan } from "../call/ForwardingPlan.ts"
import * as QualityExtra from "../protocol/QualityExtra.ts"
import type { RelayRelief } from "./RelayRelief.ts"

/**
 * Whether group video has just been given back. A call in which nobody talks rests without its video, its actor may have gone,
 * and of a call at rest none is started: so for a while such calls are reported as if media flowed. Reads no clock.
 */
export interface VideoReturn {
  isWithheld: boolean
  backAtMs: number
}

const groupVideo = QualityExtra.toBits(["group-video"])
/** A new owner listens for 2 s at most before it decides, and has to be started. Milliseconds. */
const tellForMs = 5000

export const make = (): VideoReturn => ({ isWithheld: false, backAtMs: -Infinity })

/** Call with every turn. */
export const poll = (self: VideoReturn, { withheld }: RelayRelief, nowMs: number): void => {
  const isWithheld = (withheld & groupVideo) !== 0
  if (self.isWithheld && !isWithheld) self.backAtMs = nowMs
  self.isWithheld = isWithheld
}

/** Whether the call may still be without video for it. */
export const isAwaited = (self: VideoReturn, plan: ForwardingPlan | undefined, nowMs: number): boolean => {
  if (plan === undefined || nowMs - self.backAtMs >= tellForMs) return false
  const streams = plan.participants.flatMap(({ streams }) => streams)
  const video = new Set(streams.filter(({ kind }) => kind === "video").map(({ ssrc }) => ssrc))
  return plan.participants.length > 1 && plan.rows.some(({ ssrc, to }) => to.length === 0 && video.has(ssrc))
}
