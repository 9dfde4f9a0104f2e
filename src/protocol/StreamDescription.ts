import { Schema } from "effect"

/** An SSRC, RFC 3550: 32 bits, unique in a call. */
export const Ssrc = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))

export const StreamKind = Schema.Literals(["audio", "video"])
export type StreamKind = typeof StreamKind.Type

/** Layers that one source may have. */
export const layersMax = 3

const Unsigned16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))

/**
 * What a stream is among those of its source: the same picture, in several sizes, each as a stream of its own, and all of
 * them with the same RTP timestamps.
 */
export const SimulcastLayer = Schema.Struct({
  /** Streams of one participant with the same number show the same picture. */
  source: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xff })),
  /** 0 is the smallest. */
  layer: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: layersMax - 1 })),
  /** 0: not said. */
  heightPixels: Unsigned16,
  /** The most that its sender will send of it. Thousands of bits a second; 0: not said. */
  maxKbps: Unsigned16,
  /**
   * The least at which it is of use; a file that is sent as it is has one rate. Thousands of bits a second; left out: an encoder
   * that follows what it is told.
   */
  minKbps: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0xffff })))
})
export type SimulcastLayer = typeof SimulcastLayer.Type

/** One RTP stream that a participant sends. Declared at join, so the relay never has to guess. */
export class StreamDescription extends Schema.Class<StreamDescription>("tandem/protocol/StreamDescription")({
  ssrc: Ssrc,
  kind: StreamKind,
  /** RTP timestamp ticks a second: 48,000 for Opus, 90,000 for video. */
  clockRate: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0xffffffff })),
  /** For the other devices only, "opus" or "vp8": the relay does not read it. At most 16 bytes of ASCII. */
  codec: Schema.String.check(Schema.isPattern(/^[!-~]{1,16}$/)),
  /** Left out: it is all that there is of its source. */
  simulcast: Schema.optionalKey(SimulcastLayer)
}) {}

export const isSameStream = Schema.toEquivalence(StreamDescription)

export const isSameStreams = (
  these: ReadonlyArray<StreamDescription>,
  those: ReadonlyArray<StreamDescription>
): boolean => these.length === those.length && these.every((stream, index) => isSameStream(stream, those[index]!))
