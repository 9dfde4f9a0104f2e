/** What is compared: as always, when calls come many times as often, and afterwards. */
export type Phase = "normal" | "flood" | "after"

export const phases: ReadonlyArray<Phase> = ["normal", "flood", "after"]

/** How long each part of a round takes, in this order. Milliseconds, as all times here, which count from its start. */
export interface Timeline {
  /** As many calls are placed as there will be at a time. Not counted. */
  readonly fillMs: number
  /** It goes on as in the normal phase. Not counted. */
  readonly settleMs: number
  readonly normalMs: number
  readonly floodMs: number
  readonly afterMs: number
}

export const full: Timeline = { fillMs: 5000, settleMs: 10_000, normalMs: 30_000, floodMs: 20_000, afterMs: 25_000 }
/** To try things out. */
export const quick: Timeline = { fillMs: 3000, settleMs: 3000, normalMs: 6000, floodMs: 14_000, afterMs: 12_000 }

export const startMsOf = ({ fillMs, floodMs, normalMs, settleMs }: Timeline, phase: Phase): number => {
  const warmMs = fillMs + settleMs
  return { normal: warmMs, flood: warmMs + normalMs, after: warmMs + normalMs + floodMs }[phase]
}

export const endMs = (timeline: Timeline): number => startMsOf(timeline, "after") + timeline.afterMs

/** `undefined` while the relay warms up, and when all is over. */
export const phaseAt = (timeline: Timeline, atMs: number): Phase | undefined =>
  atMs >= endMs(timeline) ? undefined : phases.findLast((phase) => atMs >= startMsOf(timeline, phase))
