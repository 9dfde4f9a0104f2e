/**
 * What is known of one packet that a report tells of. An estimator fills its only one anew for every packet and hands it on:
 * a number that is no whole one would be an object on the heap for each function that it is handed to by itself.
 */
export interface ReportedPacket {
  /** The sender's clock. */
  sentAtMs: number
  /** The receiver's clock, whose offset need not be known: only differences mean something. Of a lost packet, nothing. */
  arrivedAtMs: number
  /** IP and UDP headers included. */
  bytes: number
}

export const make = (): ReportedPacket => ({ sentAtMs: Number.NaN, arrivedAtMs: Number.NaN, bytes: 0 })
