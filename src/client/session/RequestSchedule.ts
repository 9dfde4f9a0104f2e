/** How long each transmission of a request waits for the answer before the next. Milliseconds. */
export type RequestSchedule = ReadonlyArray<number>

/** RFC 8489 section 6.2.1: RTO 500 ms, doubled each time; Rc = 7; 16 RTO behind the last. */
export const patient: RequestSchedule = [500, 1000, 2000, 4000, 8000, 16_000, 8000]

/** The beginning of it, when there is another relay to ask. */
export const withAlternative: RequestSchedule = patient.slice(0, 3)

/** A call stands still meanwhile, and the path has been used a moment ago: no need to feel the way. */
export const urgent: RequestSchedule = [250, 250, 250, 250, 250, 250]

/** Whoever leaves does not want to wait. */
export const farewell: RequestSchedule = [200, 300, 500]
