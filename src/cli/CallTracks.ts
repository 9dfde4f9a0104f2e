import { Effect, FileSystem, Option, Result } from "effect"
import type { UnreadableFile } from "../client/files/UnreadableFile.ts"
import * as MediaTrack from "../client/tracks/MediaTrack.ts"
import * as SimulcastTracks from "../client/tracks/SimulcastTracks.ts"
import { BadInput, badInput } from "./Failure.ts"

/** Which files a participant sends. */
export interface Files {
  readonly audio: Option.Option<string>
  readonly video: Option.Option<string>
  /** The same pictures as those of `video`, in smaller sizes. */
  readonly simulcast: ReadonlyArray<string>
}

/** The files as tracks: audio first, of video the lowest layer first. */
export const read = Effect.fnUntraced(function* ({ audio, simulcast, video }: Files) {
  const heard = Option.isSome(audio) ? [yield* trackOf(audio.value, MediaTrack.ofOggOpus)] : []
  if (Option.isNone(video)) {
    if (simulcast.length === 0) return heard
    return yield* new BadInput({ message: "--simulcast is for smaller sizes of --video: give the largest there" })
  }
  const highest = yield* videoOf(video.value)
  if (simulcast.length === 0) return [...heard, highest.track]
  const others = yield* Effect.forEach(simulcast, videoOf)
  const layers = SimulcastTracks.of(highest, others)
  return [...heard, ...(yield* Effect.mapError(Effect.fromResult(layers), badInput))]
})

const videoOf = (path: string) => Effect.map(trackOf(path, MediaTrack.ofIvf), (track) => ({ name: path, track }))

const trackOf = Effect.fnUntraced(function* (
  path: string,
  decode: (file: Uint8Array) => Result.Result<MediaTrack.MediaTrack, UnreadableFile>
) {
  const fileSystem = yield* FileSystem.FileSystem
  const bytes = yield* fileSystem
    .readFile(path)
    .pipe(
      Effect.mapError(
        (error) => new BadInput({ message: `${path} cannot be read (${error.reason._tag}): name another file` })
      )
    )
  const track = decode(bytes)
  if (Result.isSuccess(track)) return track.success
  return yield* new BadInput({ message: `${path}: ${track.failure.message}` })
})
