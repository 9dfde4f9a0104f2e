import type { ParticipantId } from "../protocol/Ids.ts"
import type { VideoDecision } from "./VideoDecision.ts"

/**
 * What the owner of a call has decided about its media, from what relays and devices have told. Ephemeral: it is found again
 * within a second. It replaces the decision before whole.
 */
export interface MediaDecision {
  /** Grows by one with each decision of one owner; 0: none yet. */
  readonly revision: number
  /** Whose audio is forwarded. `undefined`: everybody's. */
  readonly audible: ReadonlySet<ParticipantId> | undefined
  /** Who gets which video. `undefined`: everybody everything. */
  readonly video: VideoDecision | undefined
}

/** What holds before anything is known. */
export const undecided: MediaDecision = { revision: 0, audible: undefined, video: undefined }
