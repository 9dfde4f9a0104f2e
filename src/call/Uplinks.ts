import { Result } from "effect"
import * as CompactRate from "../protocol/CompactRate.ts"
import { participantsMax } from "./CallState.ts"

/** What a device believes that the path to its relay carries. Ephemeral: it says so again. */
export interface Uplink {
  /** The relay's, of the leg. */
  readonly legTag: number
  /** With all headers. Bits a second. */
  readonly uplinkBps: number
}

/** In bytes, as they travel between nodes: one after another, each the leg tag in 4 bytes and the rate as CompactRate in 2. */
const entryBytes = 6
/** Of one report: a call has no more legs at one relay, but for those that are about to go. */
export const entriesMax = 2 * participantsMax

export interface MalformedUplinks {
  readonly _tag: "MalformedUplinks"
}
const malformed: Result.Result<never, MalformedUplinks> = Result.fail({ _tag: "MalformedUplinks" })

/** No more than `entriesMax`: the rest is left out. */
export const encode = (uplinks: ReadonlyArray<Uplink>): Uint8Array => {
  const entries = uplinks.slice(0, entriesMax)
  const view = new DataView(new ArrayBuffer(entries.length * entryBytes))
  for (const [index, { legTag, uplinkBps }] of entries.entries()) {
    view.setUint32(index * entryBytes, legTag)
    view.setUint16(index * entryBytes + 4, CompactRate.encode(uplinkBps))
  }
  return new Uint8Array(view.buffer)
}

export const decode = (bytes: Uint8Array): Result.Result<ReadonlyArray<Uplink>, MalformedUplinks> => {
  if (bytes.length % entryBytes !== 0 || bytes.length > entriesMax * entryBytes) return malformed
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Result.succeed(
    Array.from({ length: bytes.length / entryBytes }, (_, index) => ({
      legTag: view.getUint32(index * entryBytes),
      uplinkBps: CompactRate.decode(view.getUint16(index * entryBytes + 4))
    }))
  )
}
