/** How long each transmission of a request waits for the answer before the next. Milliseconds. */
export type RequestSchedule = ReadonlyArray<number>

/** RFC 8489 section 6.2.1: RTO 500 ms, doubled each time; Rc = 7; 16 RTO behind the last. */
export const patient: RequestSchedule = [500, 1000, 2000, 4000, 8000, 16_000, 8000]

/** For each pass over several relays: one that is dead costs a second at first; one that is far gets its time later. */
export const passes: ReadonlyArray<RequestSchedule> = [
  [500, 500],
  [1000, 2000, 4000]
]

/**
 * A call stands still meanwhile, and the path has been used a moment ago: no need to feel the way. After the last there
 * is time for the call to find a new owner, if the relay that is gone owned it.
 */
export const resume: RequestSchedule = [100, 200, 400, 400, 400, 500, 500, 500]

/** In place of a resume that was refused. */
export const urgent: RequestSchedule = [250, 250, 250, 250, 250, 250]

/** Whoever leaves does not want to wait. */
export const farewell: RequestSchedule = [200, 300, 500]
