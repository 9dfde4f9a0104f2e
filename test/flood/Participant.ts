import { Clock, Effect, Exit, Scope, Stream } from "effect"
import type * as KeyRing from "../../src/access/KeyRing.ts"
import * as CallToken from "../../src/access/CallToken.ts"
import * as CallClient from "../../src/client/CallClient.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import type { PlannedCall } from "./ArrivalPlan.ts"
import * as CallMix from "./CallMix.ts"
import * as FloodPayload from "./FloodPayload.ts"

/** One of the people of a call, by the SDK: it encrypts nothing and shows nothing. Changed in place. */
export interface Participant {
  readonly client: CallClient.CallClient
  readonly scope: Scope.Closeable
  /** When it has heard one of the others last: 0 before the first. Monotonic, milliseconds. */
  heardAtMs: number
  /** Why it is of no use any more. */
  ended: string | undefined
  audioSent: number
  videoSent: number
}

export interface Joining {
  readonly plan: PlannedCall
  /** Its place in the call. */
  readonly place: number
  /** Part of its name. */
  readonly people: string
  readonly ring: KeyRing.KeyRing
  readonly relay: string
  readonly onAudio: (sentAtMs: number, arrivedAtMs: number) => void
}

/** A run is over sooner. Seconds. */
const expiresInSeconds = 3600
const audioOffer = { kind: "audio", codec: "opus", clockRate: 48_000, payloadType: 111 } as const
const videoOffer = { kind: "video", codec: "vp8", clockRate: 90_000, payloadType: 96 } as const
/** Of audio and video, with the time between two packets. */
const audioTicks = (audioOffer.clockRate * CallMix.audioMs) / 1000
const videoTicks = (videoOffer.clockRate * CallMix.videoMs) / 1000

/** Each is of a network of its own, as callers are: relays limit what one network may ask. */
const hostOf = (number: number): string => `127.${1 + ((number >> 8) & 63)}.${number & 255}.1`

export const join = Effect.fnUntraced(function* ({ onAudio, people, place, plan, relay, ring }: Joining) {
  const { call, callClass } = plan
  const { hasVideo } = CallMix.kinds[callClass]
  const scope = yield* Scope.make()
  const token = CallToken.mint(ring, {
    callClass,
    call: CallId.make(`flood-${call}`),
    participant: ParticipantId.make(`person-${people}-${call}-${place}`),
    expiresAtSeconds: Math.floor((yield* Clock.currentTimeMillis) / 1000) + expiresInSeconds
  })
  const client = yield* CallClient.join({
    relays: [relay],
    token,
    streams: hasVideo ? [audioOffer, videoOffer] : [audioOffer],
    sharedSecret: undefined,
    host: hostOf(call * 3 + place)
  }).pipe(
    Scope.provide(scope),
    Effect.onError(() => Scope.close(scope, Exit.void))
  )
  const self: Participant = { client, scope, heardAtMs: 0, ended: undefined, audioSent: 0, videoSent: 0 }
  yield* client.packets.pipe(
    Stream.runForEachArray((packets) => Effect.sync(() => packets.forEach((packet) => take(self, packet, onAudio)))),
    Effect.forkIn(scope)
  )
  yield* client.connection.pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => {
        if (event._tag === "Ended") self.ended = event.reason
      })
    ),
    Effect.forkIn(scope)
  )
  return self
})

const take = (
  self: Participant,
  { arrivedAtMs, kind, payload }: CallClient.ReceivedPacket,
  onAudio: Joining["onAudio"]
): void => {
  const sentAtMs = kind === "audio" ? FloodPayload.decode(payload) : undefined
  if (sentAtMs === undefined) return
  self.heardAtMs = arrivedAtMs
  onAudio(sentAtMs, arrivedAtMs)
}

/** One packet of audio. */
export const speak = (self: Participant, nowMs: number): Effect.Effect<void> =>
  self.client.send(self.client.streams[0]!, {
    payload: FloodPayload.encode(nowMs),
    timestamp: (self.audioSent++ * audioTicks) >>> 0,
    marker: false,
    descriptor: unknownLevel
  })

/** RFC 6464: no level is told. */
const unknownLevel = 127

/** One packet of video, if it has any: a picture of its own. */
export const show = (self: Participant): Effect.Effect<void> => {
  const stream = self.client.streams[1]
  if (stream === undefined) return Effect.void
  return self.client.send(stream, {
    payload: picture,
    timestamp: (self.videoSent++ * videoTicks) >>> 0,
    marker: true,
    descriptor: wholeKeyFrame
  })
}

/** 32 kbit/s. */
const picture = new Uint8Array(200)
const wholeKeyFrame = HopFrame.startOfFrameFlag | HopFrame.endOfFrameFlag | HopFrame.independentFlag

export const leave = ({ scope }: Participant): Effect.Effect<void> => Scope.close(scope, Exit.void)
