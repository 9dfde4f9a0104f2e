import { Result } from "effect"
import type { CallToken } from "../access/CallToken.ts"
import * as OrderedStream from "../media/OrderedStream.ts"
import { boundsOf, type Bounds } from "../media/PlayoutDelay.ts"
import { type SimulcastLayer, StreamDescription, type StreamKind } from "../protocol/StreamDescription.ts"
import * as StreamSources from "../protocol/StreamSources.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import * as EndToEndEncryption from "./EndToEndEncryption.ts"
import { drawU32, type SecureBytes } from "./SecureBytes.ts"

/** A stream that this participant will send. */
export interface StreamOffer {
  readonly kind: StreamKind
  /** For the other participants: "opus", "vp8". At most 16 bytes of ASCII. */
  readonly codec: string
  /** RTP timestamp ticks a second: 48,000 for Opus, 90,000 for video. */
  readonly clockRate: number
  /** Of the RTP header, 0..127. */
  readonly payloadType: number
  /** Unique in the call. Drawn when it is not given. */
  readonly ssrc?: number
  /** Of video that is sent in several sizes: which picture it is of, and which of its at most three sizes. */
  readonly simulcast?: SimulcastLayer
}

export interface JoinOptions {
  /** Relays in the order of preference, "203.0.113.7:3478" or packed. */
  readonly relays: ReadonlyArray<string | Uint32Array>
  /** From `CallToken.parseCredential`. */
  readonly token: CallToken
  readonly streams: ReadonlyArray<StreamOffer>
  /**
   * 32 bytes that the participants share and the relays never see: payloads are encrypted with it, end to end. With
   * `undefined` payloads go as they are, for an application that encrypts them itself.
   */
  readonly sharedSecret: Uint8Array | undefined
  /**
   * How long a lost packet is waited for before those behind it are handed out. Left out, or with bounds, it follows how
   * late packets come, 20 to 400 ms, and video waits for repair as long as that helps. Milliseconds.
   */
  readonly playoutDelayMs?: number | Bounds
  /** False: ask for no lost packet, and send none again. Default true. */
  readonly repair?: boolean
  /** What the path to the relay is assumed to carry before that is known. Bits a second. Default 300,000. */
  readonly startBps?: number
  /**
   * How long to wait for relays that are too busy: when all that answer are, the join is tried again when the first of them
   * has said, and so on for this time. 0, the default: the application is told at once. Milliseconds.
   */
  readonly waitWhenBusyMs?: number
  /** The local IP address. By default all of the relays' families. */
  readonly host?: string
  /** The local port. By default a free one. */
  readonly port?: number
  /** What this program is, for the relay's log. */
  readonly software?: string
}

/** A stream of this client, as `CallClient.send` wants it. */
export interface LocalStream {
  readonly ssrc: number
  readonly kind: StreamKind
  readonly codec: string
  readonly clockRate: number
  readonly payloadType: number
  readonly simulcast?: SimulcastLayer
}

/** The options with nothing left open. */
export interface Settings {
  readonly relays: ReadonlyArray<Uint32Array>
  readonly token: CallToken
  readonly streams: ReadonlyArray<LocalStream>
  readonly descriptions: ReadonlyArray<StreamDescription>
  readonly sharedSecret: Uint8Array | undefined
  readonly playoutDelayMs: number | Bounds
  readonly handOut: HandOut
  readonly repair: boolean
  readonly startBps: number | undefined
  readonly waitWhenBusyMs: number
  readonly host: string
  readonly port: number
  readonly software: string
}

/** Payloads in the order of their sequence numbers, or whole RTP packets, and RTCP, as they come. */
export type HandOut = "inOrder" | "whole"

const softwareDefault = "tandem"

/** A stream, a delay or a wait that cannot be, streams that contradict each other, or a secret of the wrong length, is a mistake of the caller: a defect. */
export const settle = (
  options: JoinOptions,
  handOut: HandOut,
  secureBytes: SecureBytes
): Result.Result<Settings, PackedAddress.InvalidAddress> => {
  const { sharedSecret } = options
  if (sharedSecret !== undefined && sharedSecret.length !== EndToEndEncryption.secretBytes) {
    throw new RangeError(`a shared secret has ${EndToEndEncryption.secretBytes} bytes, not ${sharedSecret.length}`)
  }
  const playoutDelayMs = options.playoutDelayMs ?? OrderedStream.adaptive
  boundsOf(playoutDelayMs)
  const waitWhenBusyMs = options.waitWhenBusyMs ?? 0
  if (!(waitWhenBusyMs >= 0)) throw new RangeError(`busy relays are waited for from 0 ms up, not ${waitWhenBusyMs}`)
  const streams = withSsrcs(options.streams, secureBytes)
  const descriptions = streams.map(
    ({ payloadType: _payloadType, ...description }) => new StreamDescription(description)
  )
  const problem = StreamSources.problemOf(descriptions)
  if (problem !== undefined) throw new RangeError(problem)
  const parsed = options.relays.map((relay) =>
    typeof relay === "string" ? PackedAddress.parse(relay) : Result.succeed(relay)
  )
  return Result.map(Result.all(parsed), (relays) => ({
    relays,
    token: options.token,
    streams,
    descriptions,
    sharedSecret,
    playoutDelayMs,
    handOut,
    repair: options.repair ?? true,
    startBps: options.startBps,
    waitWhenBusyMs,
    // Machines without IPv6 cannot open "::", which would do for both.
    host: options.host ?? (relays.every((relay) => PackedAddress.isIpv4(relay)) ? "0.0.0.0" : "::"),
    port: options.port ?? 0,
    software: options.software ?? softwareDefault
  }))
}

const withSsrcs = (offers: ReadonlyArray<StreamOffer>, secureBytes: SecureBytes): ReadonlyArray<LocalStream> => {
  const taken = new Set(offers.map(({ ssrc }) => ssrc))
  return offers.map((offer) => {
    const { clockRate, codec, kind, payloadType, simulcast } = offer
    if (payloadType < 0 || payloadType > 127) throw new RangeError(`an RTP payload type is 0..127, not ${payloadType}`)
    const ssrc = offer.ssrc ?? drawU32(secureBytes, (drawn) => !taken.has(drawn))
    taken.add(ssrc)
    const stream = { ssrc, kind, codec, clockRate, payloadType }
    return simulcast === undefined ? stream : { ...stream, simulcast }
  })
}
