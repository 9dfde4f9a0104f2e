import * as Vp8Assembler from "../payload/Vp8Assembler.ts"

/** A packet of one stream in its turn, decrypted: what the client hands out. */
export interface MediaPacket {
  readonly codec: string
  readonly sequenceNumber: number
  /** Media clock ticks. */
  readonly timestamp: number
  readonly marker: boolean
  readonly payload: Uint8Array
  /** Monotonic milliseconds. */
  readonly arrivedAtMs: number
}

/** A whole frame of one stream. */
export interface ReceivedFrame {
  readonly bytes: Uint8Array
  /** Media clock ticks. */
  readonly timestamp: number
  readonly keyFrame: boolean
  /** False when a decoder would show a broken picture. */
  readonly decodable: boolean
  /** When the last of its packets had come. Monotonic milliseconds. */
  readonly arrivedAtMs: number
}

/** Puts the frames of one stream together. Owned by one recorder and changed in place. */
export interface FrameAssembly {
  readonly assembler: Vp8Assembler.Vp8Assembler
  timestamp: number | undefined
  /** Newest arrival among the packets of the frame that is being gathered. */
  arrivedAtMs: number
}

export const make = (): FrameAssembly => ({ assembler: Vp8Assembler.make(), timestamp: undefined, arrivedAtMs: 0 })

/** Takes the packets in their turn. A frame when this packet completes one; every Opus packet is one. */
export const handlePacket = (self: FrameAssembly, packet: MediaPacket): ReceivedFrame | undefined => {
  const { arrivedAtMs, codec, payload, timestamp } = packet
  if (codec !== "vp8") return { bytes: payload, timestamp, keyFrame: true, decodable: true, arrivedAtMs }
  self.arrivedAtMs = self.timestamp === timestamp ? Math.max(self.arrivedAtMs, arrivedAtMs) : arrivedAtMs
  self.timestamp = timestamp
  const frame = Vp8Assembler.handlePacket(self.assembler, packet)
  return frame && { ...frame, arrivedAtMs: self.arrivedAtMs }
}
