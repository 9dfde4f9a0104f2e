/** What a relay has done since it started, and whom it serves now. */
export interface WorkReading {
  /** Datagrams. */
  readonly received: number
  readonly sent: number
  /** Datagrams that found the receive buffer full. */
  readonly kernelDrops: number
  /** Batches of which it is known how long their oldest packet has waited until it was sent, and the sum of that. Milliseconds. */
  readonly waits: number
  readonly waitMsSum: number
  readonly participants: number
}

/** Where that can be looked up, at any time. */
export interface RelayWork {
  readonly read: () => WorkReading
}
