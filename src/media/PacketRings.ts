import * as HopFrame from "../protocol/HopFrame.ts"
import type * as PacketMemory from "../sockets/PacketMemory.ts"
import * as PacketRing from "./PacketRing.ts"

/** Audio and video apart, so that video never evicts audio. */
export interface PacketRings {
  readonly memory: PacketMemory.PacketMemory
  readonly audio: PacketRing.PacketRing
  readonly video: PacketRing.PacketRing
}

export const make = (
  memory: PacketMemory.PacketMemory,
  firstOffset: number,
  options: { readonly audioBytes: number; readonly videoBytes: number }
): PacketRings => ({
  memory,
  audio: PacketRing.make(memory, firstOffset, options.audioBytes),
  video: PacketRing.make(memory, firstOffset + options.audioBytes, options.videoBytes)
})

/** The ring that packets of this frame type are kept in. */
export const ringOf = (self: PacketRings, type: number): PacketRing.PacketRing =>
  type === HopFrame.FrameType.Video ? self.video : self.audio
