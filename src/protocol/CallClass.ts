import { Schema } from "effect"

/** What kind of call a token admits to. Busy relays refuse in the order of the priority table (docs/operating.md). */
export const CallClass = Schema.Literals(["one-to-one-audio", "one-to-one-video", "group-audio", "group-video"])
export type CallClass = typeof CallClass.Type

export const isGroup = (callClass: CallClass): boolean => callClass === "group-audio" || callClass === "group-video"

/** The byte that stands for a class on the wire, by position; 0 is not used. */
export const callClassCodes: ReadonlyArray<CallClass | undefined> = [undefined, ...CallClass.literals]
