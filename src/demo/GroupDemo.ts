import { Effect, FileSystem } from "effect"
import { SecureRandom } from "effect/crypto"
import { FetchHttpClient } from "effect/http"
import type * as CallClient from "../client/CallClient.ts"
import * as EndToEndEncryption from "../client/EndToEndEncryption.ts"
import * as MediaTrack from "../client/tracks/MediaTrack.ts"
import type { DemoFailed } from "./DemoProcess.ts"
import * as DemoRelay from "./DemoRelay.ts"
import * as GroupParticipant from "./GroupParticipant.ts"
import * as GroupReport from "./GroupReport.ts"
import * as GroupTalk from "./GroupTalk.ts"

export interface Options {
  readonly participants: number
  /** Opus, in clear: whether somebody talks is said beside it. */
  readonly audio: MediaTrack.MediaTrack
  /** The layers of the picture that everybody sends, the lowest first. */
  readonly video: ReadonlyArray<MediaTrack.MediaTrack>
  /** Arguments for the relay: how it is impaired. */
  readonly relayArgs: ReadonlyArray<string>
  readonly repair: boolean
  /** Makes a token with the keys that a relay has made in this folder. */
  readonly tokenOf: (
    folder: string,
    name: string
  ) => Effect.Effect<CallClient.JoinOptions["token"], DemoFailed, FileSystem.FileSystem>
}

export const call = "demo"
/** A gallery of so many pictures: what a small window shows. */
const watchedMax = 4

/**
 * A group call over a relay in a process of its own. All participants are in this process: one for each of twenty would take more
 * of the machine than the call does.
 */
export const run = Effect.fn("GroupDemo.run")(
  function* (options: Options) {
    const { participants: count, repair, tokenOf } = options
    const fileSystem = yield* FileSystem.FileSystem
    const folder = yield* fileSystem.makeTempDirectoryScoped({ prefix: "tandem-demo-" })
    const { address, admin } = yield* DemoRelay.start(folder, options.relayArgs)
    const sharedSecret = yield* (yield* SecureRandom.SecureRandom).randomBytes(EndToEndEncryption.secretBytes)

    const turns = GroupTalk.turnsOf(count)
    const nameOf = (n: number) => `p${n + 1}`
    const watched = Math.min(watchedMax, count - 1)
    const plans = Array.from({ length: count }, (_, n) => {
      const startMs = GroupTalk.startOf(n, count)
      const video = options.video.map((track) => MediaTrack.repeated(track, GroupTalk.durationMs - startMs))
      return {
        name: nameOf(n),
        startMs,
        tracks: [GroupTalk.audioOf(options.audio, n, count, turns), ...video],
        // Those who come next, so that everybody is seen by as many as everybody else.
        watches: Array.from({ length: watched }, (_, next) => nameOf((n + 1 + next) % count))
      }
    })
    const joined = yield* Effect.forEach(plans, ({ name, tracks, watches }) =>
      Effect.flatMap(tokenOf(folder, name), (token) =>
        GroupParticipant.join({ relay: address, token, sharedSecret, repair, tracks, watches })
      )
    )
    const before = yield* DemoRelay.ask(admin.work())
    yield* Effect.forEach(
      joined,
      (one, n) => Effect.delay(GroupParticipant.play(one, plans[n]!.tracks), plans[n]!.startMs),
      { concurrency: "unbounded", discard: true }
    )
    yield* Effect.forEach(joined, GroupParticipant.count)
    const relay = DemoRelay.workOf(before, yield* DemoRelay.ask(admin.work()))
    const observed = joined.map((one) => one.observed)
    return GroupReport.make({ participants: observed, watched, turns, durationMs: GroupTalk.durationMs, relay })
  },
  Effect.provide([FetchHttpClient.layer, SecureRandom.layerWebCrypto])
)
