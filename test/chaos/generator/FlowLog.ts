/**
 * What one participant has heard of another: when packets came, and whether each came once and in order. Times are of the
 * monotonic clock, which all processes of a machine have in common. Changed in place.
 */
export interface FlowLog {
  /** The newest, in a ring: 0 where nothing has been yet. Milliseconds. */
  readonly arrivalsMs: Float64Array
  packets: number
  /** Of the packet that was handed out last; -1 before the first. */
  lastNumber: number
  /** Packets with a number that had been passed already: handed out twice, or out of order. */
  repeated: number
}

/** 80 s at 50 packets a second: longer than what happens between two measurements. */
const capacity = 4096

export const make = (): FlowLog => ({
  arrivalsMs: new Float64Array(capacity),
  packets: 0,
  lastNumber: -1,
  repeated: 0
})

export const handlePacket = (self: FlowLog, number: number, arrivedAtMs: number): void => {
  if (number <= self.lastNumber) {
    self.repeated++
    return
  }
  self.lastNumber = number
  self.arrivalsMs[self.packets++ % capacity] = arrivedAtMs
}

/** In order of arrival, which is not the order of numbers when a packet had to be sent again. */
export const arrivalsBetween = ({ arrivalsMs, packets }: FlowLog, fromMs: number, untilMs: number): Float64Array =>
  arrivalsMs
    .subarray(0, Math.min(packets, capacity))
    .filter((atMs) => atMs >= fromMs && atMs <= untilMs)
    .sort()

/** From one arrival to the next; and from the beginning to the first, and from the last to the end. */
export const pausesBetween = (self: FlowLog, fromMs: number, untilMs: number): ReadonlyArray<number> => {
  const moments = [fromMs, ...arrivalsBetween(self, fromMs, untilMs), untilMs]
  return moments.slice(1).map((atMs, index) => atMs - moments[index]!)
}
