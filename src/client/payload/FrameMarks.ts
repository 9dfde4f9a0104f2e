import { discardableFlag, endOfFrameFlag, independentFlag, startOfFrameFlag } from "../../protocol/HopFrame.ts"

/**
 * What a relay may know of a video packet whose payload it cannot read: the first byte of RFC 9626 section 3.1, which the
 * sender puts into the hop descriptor. All packets of a frame have the same marks but for its start and end.
 */
export interface FrameMarks {
  readonly startOfFrame: boolean
  /** Equals the marker bit of the RTP packet. */
  readonly endOfFrame: boolean
  /** A key frame: can be decoded without any frame before it. */
  readonly independent: boolean
  /** No other frame needs this one. */
  readonly discardable: boolean
  /** Depends on the base temporal layer only. False when there are no layers. */
  readonly baseLayerSync: boolean
  /** 0 is the base, also when there are no layers. 0..7. */
  readonly temporalLayer: number
}

const baseLayerSyncFlag = 0x08
const temporalLayerMask = 0x07

/** The descriptor byte S E I D B TID. */
export const toDescriptor = (marks: FrameMarks): number =>
  (marks.startOfFrame ? startOfFrameFlag : 0) |
  (marks.endOfFrame ? endOfFrameFlag : 0) |
  (marks.independent ? independentFlag : 0) |
  (marks.discardable ? discardableFlag : 0) |
  (marks.baseLayerSync ? baseLayerSyncFlag : 0) |
  (marks.temporalLayer & temporalLayerMask)

export const fromDescriptor = (descriptor: number): FrameMarks => ({
  startOfFrame: (descriptor & startOfFrameFlag) !== 0,
  endOfFrame: (descriptor & endOfFrameFlag) !== 0,
  independent: (descriptor & independentFlag) !== 0,
  discardable: (descriptor & discardableFlag) !== 0,
  baseLayerSync: (descriptor & baseLayerSyncFlag) !== 0,
  temporalLayer: descriptor & temporalLayerMask
})
