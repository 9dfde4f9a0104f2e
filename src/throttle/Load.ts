/**
 * What a relay has to do, measured and smoothed. Shares are 0 to 1 of what there is, and may be above for a moment. What
 * cannot be measured is NaN, and counts for nothing.
 */
export interface Load {
  /** CPU of the thread that forwards, of one core or of what its container may use; time that the host took away is not there. */
  readonly processCpu: number
  /** CPU of the whole machine that is in use, and the part that its host has taken away. */
  readonly machineCpu: number
  readonly stolenCpu: number
  /** How late timers are. Milliseconds. */
  readonly loopDelayMs: number
  /** How long packets wait between the socket and being sent. Milliseconds. */
  readonly queueWaitMs: number
  /** Datagrams that found the receive buffer full, a second. */
  readonly kernelDropsPerSecond: number
  /** Of the memory that the process may use. */
  readonly memory: number
  /** The larger of datagrams received and datagrams sent. */
  readonly packetsPerSecond: number
  /** How many the relay can do; NaN: nobody has said. */
  readonly capacityPerSecond: number
  /** Who is on this relay. */
  readonly participants: number
}

export const unknown: Load = {
  processCpu: NaN,
  machineCpu: NaN,
  stolenCpu: NaN,
  loopDelayMs: NaN,
  queueWaitMs: NaN,
  kernelDropsPerSecond: NaN,
  memory: NaN,
  packetsPerSecond: NaN,
  capacityPerSecond: NaN,
  participants: NaN
}

/** From here on packets wait too long. DAGOR: overloaded when the mean queue wait of a second is above. Milliseconds. */
export const waitMsMax = 20
/** Timers wait for their turn behind packets, so they may be later. Milliseconds. */
const loopDelayMsMax = 50
/** So many times the longest wait is no worse than this. */
const severityMax = 4

/** NaN is no number to compare with. */
const known = (value: number): number => (value >= 0 ? value : 0)

/**
 * The share of what the relay can do that is in use: of what it has least of. What other programs of the machine use does not
 * count as such: if they are in the way, packets wait.
 */
export const utilization = ({ capacityPerSecond, memory, packetsPerSecond, processCpu }: Load): number =>
  Math.max(known(processCpu), known(memory), known(packetsPerSecond / capacityPerSecond))

/**
 * How much too long packets wait: 1 at the limit, 4 at most. What the kernel has dropped has waited for ever; timers that are
 * late say that everything is.
 */
export const waitSeverity = ({ kernelDropsPerSecond, loopDelayMs, queueWaitMs }: Load): number =>
  kernelDropsPerSecond > 0
    ? severityMax
    : Math.min(severityMax, Math.max(known(queueWaitMs) / waitMsMax, known(loopDelayMs) / loopDelayMsMax))
