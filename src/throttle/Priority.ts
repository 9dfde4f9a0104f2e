import { Schema } from "effect"

/**
 * What a busy relay may refuse, in the order of what it keeps longest. The order is only here: whoever sheds load goes
 * by the place in this list.
 */
export const Priority = Schema.Literals([
  /** Media of calls that are going on. */
  "ongoing-media",
  /** Devices of calls that are going on, which come back after something has died. */
  "resume",
  "new-one-to-one-audio",
  "new-one-to-one-video",
  /** Joins to groups that are there already. */
  "group-join",
  "new-group-audio",
  "new-group-video",
  /** Forward error correction, duplication, the high simulcast layer. */
  "quality-extra",
  /** Latency probes and administration. */
  "probe"
])
export type Priority = typeof Priority.Type

/** 0 is kept longest. */
export const rankOf = (priority: Priority): number => Priority.literals.indexOf(priority)
