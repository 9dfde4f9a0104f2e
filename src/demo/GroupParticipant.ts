import { Effect, Random, Result, Stream } from "effect"
import * as CallClient from "../client/CallClient.ts"
import * as Vp8Payload from "../client/payload/Vp8Payload.ts"
import type { MediaTrack } from "../client/tracks/MediaTrack.ts"
import * as TrackPlayer from "../client/tracks/TrackPlayer.ts"

export interface Options {
  readonly relay: string
  readonly token: CallClient.JoinOptions["token"]
  readonly sharedSecret: Uint8Array
  readonly repair: boolean
  /** All that it sends: audio, and the layers of its video. */
  readonly tracks: ReadonlyArray<MediaTrack>
  /** Whose video it wants to see, by name: the first on stage. */
  readonly watches: ReadonlyArray<string>
}

/** What one participant has sent, heard and seen. */
export interface Observed {
  readonly name: string
  /** RTP timestamp of the first audio frame. */
  firstAudioTimestamp: number
  readonly audioSsrc: number
  /** RTP timestamps of the audio of others, by SSRC. */
  readonly heard: Map<number, Array<number>>
  /** Pictures of each height, of all others together. */
  readonly picturesByHeight: Map<number, number>
  /** How often the picture of another has changed its size. */
  switches: number
  /** Payloads. */
  sentBytes: number
  receivedBytes: number
}

/** Joins, and watches what comes. Ends with the scope. */
export const join = Effect.fnUntraced(function* (options: Options) {
  const { relay, repair, sharedSecret, token, tracks } = options
  const client = yield* CallClient.join({ relays: [relay], token, sharedSecret, streams: tracks, repair })
  const observed: Observed = {
    name: client.participant,
    firstAudioTimestamp: 0,
    audioSsrc: client.streams.find(({ kind }) => kind === "audio")!.ssrc,
    heard: new Map(),
    picturesByHeight: new Map(),
    switches: 0,
    sentBytes: 0,
    receivedBytes: 0
  }
  const heights = new Map<number, number>()
  yield* client.packets.pipe(
    Stream.runForEachArray((packets) =>
      Effect.sync(() => {
        for (const packet of packets) observe(observed, heights, packet)
      })
    ),
    Effect.forkScoped
  )
  yield* Effect.forkScoped(watch(client, options.watches))
  return { client, observed }
})

export type Joined = Effect.Success<ReturnType<typeof join>>

const observe = (observed: Observed, heights: Map<number, number>, packet: CallClient.ReceivedPacket): void => {
  const { heard, picturesByHeight } = observed
  const { kind, payload, ssrc, timestamp } = packet
  if (kind === "audio") {
    const timestamps = heard.get(ssrc)
    if (timestamps === undefined) heard.set(ssrc, [timestamp])
    else timestamps.push(timestamp)
    return
  }
  const read = Vp8Payload.read(payload)
  if (Result.isFailure(read) || !read.success.startOfPartition) return
  const before = heights.get(ssrc)
  const height = Vp8Payload.keyFrameSize(read.success.bytes)?.height ?? before
  if (height === undefined) return
  heights.set(ssrc, height)
  if (before !== undefined && height !== before) observed.switches++
  picturesByHeight.set(height, (picturesByHeight.get(height) ?? 0) + 1)
}

/** Subscribes to the video of some, as they come. */
const watch = (client: CallClient.CallClient, names: ReadonlyArray<string>) =>
  client.roster.pipe(
    Stream.mapAccum(
      (): ReadonlyMap<string, ReadonlyArray<number>> => new Map(),
      (before, event) => {
        const after = new Map(before)
        if (event._tag === "Left") after.delete(event.participant)
        else {
          const video = event.streams.filter(({ kind }) => kind === "video")
          after.set(
            event.participant,
            video.map(({ ssrc }) => ssrc)
          )
        }
        return [after, [after]]
      }
    ),
    Stream.runForEach((present) =>
      client.subscribe(
        names.flatMap((name, rank) =>
          (present.get(name) ?? []).map((ssrc) => ({
            ssrc,
            place: rank === 0 ? ("on-stage" as const) : ("grid" as const),
            heightPx: 0
          }))
        )
      )
    )
  )

/** Sends all tracks, from now on. */
export const play = Effect.fnUntraced(function* ({ client, observed }: Joined, tracks: ReadonlyArray<MediaTrack>) {
  const random = yield* Random.Random
  const draw = () => Math.floor(random.nextDoubleUnsafe() * 0x1_0000_0000)
  observed.firstAudioTimestamp = draw()
  const firstVideoTimestamp = draw()
  const players = tracks.map((track, index) => {
    const stream = client.streams[index]!
    return TrackPlayer.play(track, {
      payloadBytesMax: CallClient.payloadBytesMax,
      firstTimestamp: track.kind === "audio" ? observed.firstAudioTimestamp : firstVideoTimestamp,
      isWanted: () => true,
      send: (packets) => client.sendAll(stream, packets),
      onFrame: () => {}
    })
  })
  yield* Effect.all(players, { concurrency: "unbounded", discard: true })
})

/** Takes down what it has sent and received, before anybody leaves. */
export const count = Effect.fnUntraced(function* ({ client, observed }: Joined) {
  const { received, sent } = yield* client.statistics
  observed.sentBytes = sent.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0)
  observed.receivedBytes = received.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0)
})
