import type { ReceivedPacket } from "../client/streams/ReceivedPacket.ts"
import * as SplicedStream from "../client/streams/SplicedStream.ts"
import * as OrderedStream from "../media/OrderedStream.ts"
import * as HopFrame from "../protocol/HopFrame.ts"
import { ParticipantId } from "../protocol/Ids.ts"
import * as RtpHeader from "../protocol/RtpHeader.ts"
import type { StreamDescription } from "../protocol/StreamDescription.ts"

/**
 * A source with layers as another device sees it: each layer in order, then the layers spliced into one picture, as
 * client/streams/ReceivingStreams has them behind decryption. What can be decoded is shown at once. Changed in place.
 */
export interface LayeredPicture {
  readonly layers: ReadonlyArray<OrderedStream.OrderedStream<ReceivedPacket>>
  readonly descriptions: ReadonlyArray<StreamDescription>
  readonly spliced: SplicedStream.SplicedStream
  /** Of the last frame of the base layer that could be decoded, see VideoSource; -1: none that matters any more. */
  baseLayerIndex: number
  /** Milliseconds; -Infinity: nothing has been shown yet. */
  shownAtMs: number
  /** Of the payloads of all frames that have been shown. */
  shownFrames: number
  shownBytes: number
  /** Packets wait in some layer: of most pictures there are none, and a device looks at all of them with each datagram. */
  isWaiting: boolean
  readonly ready: Array<ReceivedPacket>
  readonly frames: Array<ReceivedPacket>
}

/** Nobody reads it here. */
const participant = ParticipantId.make("somebody")

export const make = (
  descriptions: readonly [StreamDescription, ...ReadonlyArray<StreamDescription>]
): LayeredPicture => ({
  layers: descriptions.map((description) =>
    OrderedStream.make(description, { playoutDelayMs: OrderedStream.adaptive, repair: true })
  ),
  descriptions,
  spliced: SplicedStream.make(descriptions[0]),
  baseLayerIndex: -1,
  shownAtMs: -Infinity,
  shownFrames: 0,
  shownBytes: 0,
  isWaiting: false,
  ready: [],
  frames: []
})

/** Takes in the RTP packet that `bytes` are, of a layer. `hole`: see OrderedStream. */
export const handlePacket = (
  self: LayeredPicture,
  layer: number,
  bytes: Uint8Array,
  descriptor: number,
  hole: OrderedStream.IntendedHole | undefined,
  nowMs: number
): void => {
  const ordered = self.layers[layer]!
  const { codec, kind, ssrc } = self.descriptions[layer]!
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const packet = {
    participant,
    ssrc,
    kind,
    codec,
    sequenceNumber: RtpHeader.sequenceNumberAt(view, 0),
    timestamp: RtpHeader.timestampAt(view, 0),
    marker: false,
    payload: bytes.slice(RtpHeader.fixedHeaderBytes),
    descriptor,
    arrivedAtMs: nowMs,
    repaired: false,
    missedBefore: 0
  }
  const returns = hole !== undefined && OrderedStream.returns(ordered, packet)
  if (!returns && !OrderedStream.isNew(ordered, packet.sequenceNumber)) return
  OrderedStream.handlePacket(ordered, packet, hole)
  self.isWaiting = true
}

/** Shows what is whole and has its turn. */
export const poll = (self: LayeredPicture, nowMs: number): void => {
  if (!self.isWaiting) return
  const { frames, layers, ready, spliced } = self
  self.isWaiting = false
  for (const ordered of layers) {
    OrderedStream.poll(ordered, nowMs, ready)
    if (ordered.jitter.lowest < Infinity) self.isWaiting = true
    if (ready.length === 0) continue
    for (const packet of ready) {
      if (SplicedStream.handlePacket(spliced, packet, frames)) OrderedStream.requestKeyFrame(ordered)
    }
    ready.length = 0
  }
  if (frames.length === 0) return
  let first = 0
  for (let end = 1; end <= frames.length; end++) {
    if ((frames[end - 1]!.descriptor & HopFrame.endOfFrameFlag) === 0) continue
    show(self, frames, first, end, nowMs)
    first = end
  }
  frames.length = 0
}

const show = (
  self: LayeredPicture,
  packets: ReadonlyArray<ReceivedPacket>,
  first: number,
  end: number,
  nowMs: number
): void => {
  if (!decode(self, packets[first]!)) return
  self.shownAtMs = nowMs
  self.shownFrames++
  for (let i = first; i < end; i++) self.shownBytes += packets[i]!.payload.length
}

/** Whether all is there that the frame needs: a frame of the base layer the one before, of the upper one its own. */
const decode = (self: LayeredPicture, { descriptor, payload }: ReceivedPacket): boolean => {
  const baseLayerIndex = payload[0]!
  if (!HopFrame.isIndependent(descriptor)) {
    if (self.baseLayerIndex < 0) return false
    const ahead = HopFrame.isDiscardable(descriptor) ? 0 : 1
    if (baseLayerIndex !== ((self.baseLayerIndex + ahead) & 0xff)) return false
  }
  self.baseLayerIndex = baseLayerIndex
  return true
}

/** When the first gap will be given up. Milliseconds; Infinity when nothing waits. */
export const nextDeadlineMs = ({ isWaiting, layers }: LayeredPicture): number => {
  if (!isWaiting) return Infinity
  let deadlineMs = Infinity
  for (const ordered of layers) deadlineMs = Math.min(deadlineMs, OrderedStream.nextDeadlineMs(ordered))
  return deadlineMs
}
