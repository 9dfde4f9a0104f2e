import * as HopFrame from "../protocol/HopFrame.ts"
import * as SequenceNumber from "../protocol/SequenceNumber.ts"

/**
 * How loud one audio stream is, from what its sender says in clear beside each packet (RFC 6464): one level for each 20 ms of
 * media, kept until they are taken. Owned by one stream and changed in place.
 */
export interface VolumeMeter {
  /** The newest at `count - 1`, modulo the length. */
  readonly levels: Uint8Array
  count: number
  /** RTP timestamp of the newest packet, signed; of none before the first. */
  newestTimestamp: number
  hasStarted: boolean
  /** Its sender has said a level once: who never does does not know it. */
  isKnown: boolean
}

/** More than are taken at a time, in case a turn comes late: half a second. */
const levelsMax = 25
/** A level counts for the whole of a longer packet; and of what comes after a pause not for the pause. In 20 ms. */
const unitsMax = 3
const unitsPerSecond = 50
const levelMask = 0x7f

export const make = (): VolumeMeter => ({
  levels: new Uint8Array(levelsMax),
  count: 0,
  newestTimestamp: 0,
  hasStarted: false,
  isKnown: false
})

/** What came out of order is too late to count. `timestamp`: signed, as RelayStreams have it. */
export const handlePacket = (self: VolumeMeter, descriptor: number, timestamp: number, clockRate: number): void => {
  const ticks = self.hasStarted ? SequenceNumber.timestampDistance(self.newestTimestamp, timestamp) : 1
  if (ticks <= 0) return
  self.hasStarted = true
  self.newestTimestamp = timestamp
  if ((descriptor & levelMask) !== HopFrame.audioLevelUnknown) self.isKnown = true
  const units = Math.min(unitsMax, Math.max(1, Math.round((ticks * unitsPerSecond) / clockRate)))
  for (let i = 0; i < units; i++) self.levels[self.count++ % levelsMax] = descriptor
}

/** What has not been taken yet, the oldest first. */
export const take = (self: VolumeMeter): Uint8Array => {
  const length = Math.min(levelsMax, self.count)
  const taken = Uint8Array.from({ length }, (_, i) => self.levels[(self.count - length + i) % levelsMax]!)
  self.count = 0
  return taken
}
