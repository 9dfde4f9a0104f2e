import { Result } from "effect"
import { participantsMax } from "./CallState.ts"

/** How loud one device's audio has been lately. */
export interface Volume {
  /** The relay's, of the leg. */
  readonly legTag: number
  /** One byte for each 20 ms of media, the oldest first: RFC 6464, voice bit and level in -dBov. At most `levelsMax`. */
  readonly levels: Uint8Array
}

/**
 * In bytes, as relays report them: one after another, each
 *
 *     | leg tag, 4 | count, 1 | levels ... |
 */
export const levelsMax = 25
/** Of one report: a call has no more legs at one relay, but for those that are about to go. */
export const entriesMax = 2 * participantsMax
const headBytes = 5

export interface MalformedVolumes {
  readonly _tag: "MalformedVolumes"
}
const malformed: Result.Result<never, MalformedVolumes> = Result.fail({ _tag: "MalformedVolumes" })

/** No more than `entriesMax`: the rest is left out. */
export const encode = (volumes: ReadonlyArray<Volume>): Uint8Array => {
  const told = volumes.slice(0, entriesMax)
  const bytes = new Uint8Array(
    told.reduce((sum, { levels }) => sum + headBytes + Math.min(levelsMax, levels.length), 0)
  )
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const { legTag, levels } of told) {
    const newest = levels.subarray(Math.max(0, levels.length - levelsMax))
    view.setUint32(at, legTag)
    view.setUint8(at + 4, newest.length)
    bytes.set(newest, at + headBytes)
    at += headBytes + newest.length
  }
  return bytes
}

/** The levels are views of `bytes`. */
export const decode = (bytes: Uint8Array): Result.Result<ReadonlyArray<Volume>, MalformedVolumes> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const volumes: Array<Volume> = []
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < headBytes || volumes.length === entriesMax) return malformed
    const count = view.getUint8(at + 4)
    const end = at + headBytes + count
    if (count > levelsMax || end > bytes.length) return malformed
    volumes.push({ legTag: view.getUint32(at), levels: bytes.subarray(at + headBytes, end) })
    at = end
  }
  return Result.succeed(volumes)
}
