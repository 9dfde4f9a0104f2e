import * as Fields from "./ByteFields.ts"
import { ofFields } from "./ControlAttribute.ts"
import { streamsMax } from "./RosterAttribute.ts"

/** What a device is to send of one of its video streams. */
export interface StreamAllocation {
  readonly ssrc: number
  /** With all headers, as the rates of feedback. Bits a second; 0: nothing, for nobody wants it. */
  readonly rateBps: number
}

/** What a device is to send of its video streams. Of one that is not named nothing is said: all of it may be sent. */
export interface VideoAllocation {
  /** Grows with every change, in 32 bits. Of one session the newest counts. */
  readonly version: number
  readonly streams: ReadonlyArray<StreamAllocation>
}

const entryBytes = 8

/** VIDEO-ALLOCATION. Nobody has more streams than a participant may declare. */
export const videoAllocation = ofFields<VideoAllocation>(
  0x5a1a,
  ({ streams, version }) =>
    Fields.join(
      Fields.u32(version),
      ...streams.flatMap(({ rateBps, ssrc }) => [Fields.u32(ssrc), Fields.u32(rateBps)])
    ),
  (reader) => {
    const version = Fields.takeU32(reader)
    const count = (reader.bytes.length - reader.offset) / entryBytes
    if (reader.failed || count > streamsMax) return undefined
    const streams: Array<StreamAllocation> = []
    while (streams.length < count) {
      streams.push({ ssrc: Fields.takeU32(reader), rateBps: Fields.takeU32(reader) })
    }
    return { version, streams }
  }
)
