import * as HopFrame from "../../protocol/HopFrame.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import type { StreamKind } from "../../protocol/StreamDescription.ts"

/**
 * What the RTP header alone tells of packets whose payload cannot be read. Of video: a frame has a timestamp of its own
 * and ends with the marker; whether it is a key frame is not known. Of audio nothing. Owned by one sending stream and
 * changed in place.
 */
export interface BlindDescriptor {
  readonly kind: StreamKind
  /** Of the packet before; -1: there was none. */
  timestamp: number
}

export const make = (kind: StreamKind): BlindDescriptor => ({ kind, timestamp: -1 })

/** The descriptor of the next packet. `view` starts with its header. */
export const handlePacket = (self: BlindDescriptor, view: DataView): number => {
  if (self.kind === "audio") return HopFrame.audioLevelUnknown
  const timestamp = RtpHeader.timestampAt(view, 0)
  const startsFrame = timestamp !== self.timestamp
  self.timestamp = timestamp
  return (startsFrame ? HopFrame.startOfFrameFlag : 0) | (RtpHeader.markerAt(view, 0) ? HopFrame.endOfFrameFlag : 0)
}
