import { Clock, Effect, FileSystem, Random, Schedule, Schema, Stream, SubscriptionRef } from "effect"
import type { ParticipantId } from "../../protocol/Ids.ts"
import type { QualityExtra } from "../../protocol/QualityExtra.ts"
import type { StreamDescription } from "../../protocol/StreamDescription.ts"
import * as CallClient from "../CallClient.ts"
import type { CallStatistics, ReceivedStatistics } from "../CallStatistics.ts"
import type { JoinOptions } from "../JoinOptions.ts"
import * as CallRecorder from "./CallRecorder.ts"
import * as CallSummary from "./CallSummary.ts"
import * as FrameAssembly from "./FrameAssembly.ts"
import * as FrameLog from "./FrameLog.ts"
import type { MediaTrack } from "./MediaTrack.ts"
import * as NamedSubscription from "./NamedSubscription.ts"
import * as TrackPlayer from "./TrackPlayer.ts"
import * as VolumeLog from "./VolumeLog.ts"

export interface Options extends Omit<JoinOptions, "streams"> {
  /** What to send, each as a stream. Without any the call is only listened to. */
  readonly tracks: ReadonlyArray<MediaTrack>
  /** Whose video is wanted, the most wanted first. None: everybody's. */
  readonly subscribe: ReadonlyArray<NamedSubscription.NamedSubscription>
  /** Others that must be there before anything is sent. */
  readonly waitFor: number
  /** How long to wait then. Milliseconds. */
  readonly startAfterMs: number
  /** How long to stay after the last frame, for what the others still ask for. Milliseconds. */
  readonly lingerMs: number
  /** Directory for what the others send; `undefined`: it is not recorded. */
  readonly recordInto: string | undefined
  /** File for a line about every frame sent and received; `undefined`: there is none. */
  readonly frameLog: string | undefined
  /** File for a line about the level of each audio stream every 200 ms; `undefined`: there is none. */
  readonly volumeLog: string | undefined
  /** Called once a second. */
  readonly onProgress: (progress: Progress) => Effect.Effect<void>
}

export interface Progress {
  readonly seconds: number
  readonly others: number
  /** What the relay, which is busy, wants to be gone without. */
  readonly withheld: ReadonlyArray<QualityExtra>
  readonly statistics: CallStatistics
}

/** The relay could not be kept, nor another be found. */
export class CallLost extends Schema.TaggedError<CallLost>()("CallLost", { message: Schema.String }) {}

/** Streams of who has left are gone from the statistics: so they are looked at often, and the last look counts. */
const lookEvery = "250 millis"

/**
 * One participant made of files: plays tracks into a call, records the others, and leaves when its tracks have ended, or
 * without tracks when everybody else has left.
 */
export const run = Effect.fn("FileCall.run")(function* (options: Options) {
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const fileSystem = yield* FileSystem.FileSystem
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const startedAtMs = nowMs()
  const seconds = () => Math.round((nowMs() - startedAtMs) / 100) / 10

  const recorder = options.recordInto === undefined ? undefined : yield* CallRecorder.make(options.recordInto)
  const client = yield* CallClient.join({ ...options, streams: options.tracks })
  const others = yield* watchOthers(client)
  if (options.subscribe.length > 0) yield* Effect.forkScoped(follow(options.subscribe, client, others))
  const log: Array<FrameLog.FrameRecord> = []
  const note = (record: FrameLog.FrameRecord) => {
    if (options.frameLog !== undefined) log.push(record)
  }
  const volumes = options.volumeLog === undefined ? undefined : VolumeLog.make()
  if (volumes !== undefined) yield* Effect.forkScoped(watchVolumes(volumes, client, others))

  const received = new Map<number, ReceivedStatistics>()
  const look = Effect.map(client.statistics, (statistics) => {
    for (const stream of statistics.received) received.set(stream.ssrc, stream)
    return statistics
  })
  yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced(lookEvery)))
  const withheld = yield* watchWithheld(client)
  yield* Effect.gen(function* () {
    const present = yield* SubscriptionRef.get(others)
    const statistics = yield* look
    yield* options.onProgress({ seconds: seconds(), others: present.size, withheld: withheld(), statistics })
  }).pipe(Effect.repeat(Schedule.spaced("1 second")), Effect.forkScoped)

  const assemblies = new Map<number, FrameAssembly.FrameAssembly>()
  const framesReceived = new Map<number, number>()
  const receive = Stream.runForEach(client.packets, (packet) => {
    const { kind, participant, ssrc } = packet
    if (volumes !== undefined) VolumeLog.handlePacket(volumes, ssrc, packet)
    let assembly = assemblies.get(ssrc)
    if (assembly === undefined) assemblies.set(ssrc, (assembly = FrameAssembly.make()))
    const frame = FrameAssembly.handlePacket(assembly, packet)
    if (frame === undefined) return Effect.void
    framesReceived.set(ssrc, (framesReceived.get(ssrc) ?? 0) + 1)
    const { arrivedAtMs: atMs, timestamp } = frame
    const digest = options.frameLog === undefined ? "" : FrameLog.digestOf(frame.bytes)
    note({ event: "received", participant, ssrc, kind, timestamp, digest, atMs })
    return recorder === undefined ? Effect.void : recorder.write(packet, frame)
  })

  const unwanted = yield* watchUnwanted(client)
  const framesSent = new Map<number, number>()
  const play = Effect.gen(function* () {
    yield* until(others, (present) => present.size >= options.waitFor)
    yield* Effect.sleep(options.startAfterMs)
    // RFC 3550 section 5.1: a random start. Layers of one source have the same.
    const draw = () => Math.floor(random.nextDoubleUnsafe() * 0x1_0000_0000)
    const ofSource = new Map<number, number>()
    const players = options.tracks.map((track, index) => {
      const stream = client.streams[index]!
      const { kind, simulcast, ssrc } = stream
      const firstTimestamp = (simulcast && ofSource.get(simulcast.source)) ?? draw()
      if (simulcast !== undefined) ofSource.set(simulcast.source, firstTimestamp)
      return TrackPlayer.play(track, {
        payloadBytesMax: CallClient.payloadBytesMax,
        firstTimestamp,
        isWanted: () => !unwanted.has(ssrc),
        send: (packets) => {
          if (volumes !== undefined) for (const packet of packets) VolumeLog.handlePacket(volumes, ssrc, packet)
          return client.sendAll(stream, packets)
        },
        onFrame: (sent) => {
          framesSent.set(ssrc, (framesSent.get(ssrc) ?? 0) + 1)
          note({ event: "sent", participant: client.participant, ssrc, kind, ...sent })
        }
      })
    })
    yield* Effect.all(players, { concurrency: "unbounded", discard: true })
    if (players.length > 0) yield* Effect.sleep(options.lingerMs)
    else yield* until(others, (present) => present.size === 0)
  })

  const lost = client.connection.pipe(
    Stream.runForEach((event) =>
      event._tag === "Ended"
        ? Effect.fail(new CallLost({ message: `the call was lost: ${event.reason}` }))
        : Effect.void
    ),
    Effect.andThen(Effect.never)
  )
  yield* Effect.raceAllFirst([play, lost, Effect.andThen(receive, Effect.never)])
  const { roundTripMs, sent } = yield* look
  yield* client.leave
  if (recorder !== undefined) yield* recorder.finish
  if (options.frameLog !== undefined) yield* fileSystem.writeFileString(options.frameLog, FrameLog.format(log))
  if (options.volumeLog !== undefined && volumes !== undefined) {
    yield* fileSystem.writeFileString(options.volumeLog, VolumeLog.format(volumes))
  }

  const summary: CallSummary.CallSummary = {
    call: client.call,
    participant: client.participant,
    seconds: seconds(),
    roundTripMs: roundTripMs ?? null,
    sent: CallSummary.sentOf(options.tracks, sent, framesSent),
    received: CallSummary.receivedOf(received.values(), framesReceived),
    files: recorder?.paths() ?? []
  }
  return summary
}, Effect.scoped)

type Others = ReadonlyMap<ParticipantId, ReadonlyArray<StreamDescription>>

/** Subscribes to those who are there of those who are wanted. */
const follow = (
  wishes: ReadonlyArray<NamedSubscription.NamedSubscription>,
  client: CallClient.CallClient,
  others: SubscriptionRef.SubscriptionRef<Others>
) =>
  SubscriptionRef.changes(others).pipe(
    Stream.map((present) => NamedSubscription.resolve(wishes, present)),
    Stream.changes,
    Stream.runForEach(client.subscribe)
  )

/** Who else is in the call, and with which streams, as it changes. */
const watchOthers = Effect.fnUntraced(function* (client: CallClient.CallClient) {
  const others = yield* SubscriptionRef.make<Others>(new Map())
  yield* client.roster.pipe(
    Stream.runForEach((event) =>
      SubscriptionRef.update(others, (before) => {
        const after = new Map(before)
        if (event._tag === "Joined") after.set(event.participant, event.streams)
        else after.delete(event.participant)
        return after
      })
    ),
    Effect.forkScoped
  )
  return others
})

/** SSRCs of own streams that nobody wants now, as it changes. */
const watchUnwanted = Effect.fnUntraced(function* (client: CallClient.CallClient) {
  const unwanted = new Set<number>()
  yield* client.videoDirectives.pipe(
    Stream.runForEach((streams) =>
      Effect.sync(() => {
        unwanted.clear()
        for (const { rateBps, ssrc } of streams) if (rateBps === 0) unwanted.add(ssrc)
      })
    ),
    Effect.forkScoped
  )
  const read: ReadonlySet<number> = unwanted
  return read
})

/** What is withheld, as it changes. */
const watchWithheld = Effect.fnUntraced(function* (client: CallClient.CallClient) {
  let withheld: ReadonlyArray<QualityExtra> = []
  yield* client.connection.pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => {
        if (event._tag === "ExtrasWithheld") withheld = event.extras
      })
    ),
    Effect.forkScoped
  )
  return () => withheld
})

/** Looks at the meters as long as the call lasts. */
const watchVolumes = Effect.fnUntraced(function* (
  volumes: VolumeLog.VolumeLog,
  client: CallClient.CallClient,
  others: SubscriptionRef.SubscriptionRef<Others>
) {
  const clock = yield* Clock.Clock
  const { participant, streams } = client
  const look = Effect.map(SubscriptionRef.get(others), (present) =>
    VolumeLog.poll(
      volumes,
      [
        ...VolumeLog.sourcesOf("sent", participant, streams),
        ...[...present].flatMap(([other, streams]) => VolumeLog.sourcesOf("received", other, streams))
      ],
      Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
    )
  )
  yield* Effect.repeat(look, Schedule.fixed(VolumeLog.everyMs))
})

const until = <A>(ref: SubscriptionRef.SubscriptionRef<A>, predicate: (value: A) => boolean) =>
  SubscriptionRef.changes(ref).pipe(Stream.filter(predicate), Stream.take(1), Stream.runDrain)
