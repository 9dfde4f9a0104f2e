/**
 * What the video of a whole call is decided from. Sources, senders and receivers are named by their index, so that deciding
 * needs no maps. Rates are of video alone: whoever asks has taken off what audio needs.
 */
export interface AllocationInput {
  readonly sources: ReadonlyArray<Source>
  readonly senders: ReadonlyArray<Sender>
  readonly receivers: ReadonlyArray<Receiver>
}

/** One camera or one screen. */
export interface Source {
  /** Index of who sends it. Somebody may send several: they share his uplink. */
  readonly sender: number
  /** The lowest first, so neither end of the range falls from one to the next. A plain video is one layer. */
  readonly layers: ReadonlyArray<Layer>
}

/** A simulcast layer, and the bitrates at which its resolution is of use. */
export interface Layer {
  readonly minBps: number
  readonly maxBps: number
}

export interface Sender {
  /** Infinity: not known. */
  readonly uplinkBps: number
}

export interface Receiver {
  /** Infinity: not known. */
  readonly downlinkBps: number
  /** Each source at most once. */
  readonly wishes: ReadonlyArray<Wish>
}

export interface Wish {
  readonly source: number
  /** How much this video counts beside the others: 4 on stage, 1 else, 0.25 off the screen. */
  readonly weight: number
  /** More is of no use at the size at which it is shown. */
  readonly maxBps: number
  /** The highest of the source's layers that he may have, whatever fits. Left out: all. */
  readonly layerMax?: number
}

/** What is decided. */
export interface Allocation {
  /** Bitrate to send, of each source and each of its layers. 0: off. */
  readonly layers: ReadonlyArray<ReadonlyArray<number>>
  /** The layer that is forwarded, of each receiver and each of his wishes. -1: none. */
  readonly choices: ReadonlyArray<ReadonlyArray<number>>
}

/** Of each source: three resolutions are what encoders offer (libwebrtc kMaxSimulcastStreams). */
export const layersMax = 3
