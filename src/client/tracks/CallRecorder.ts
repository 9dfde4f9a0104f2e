import { Effect, FileSystem, Path, type PlatformError, Scope } from "effect"
import type { ParticipantId } from "../../protocol/Ids.ts"
import type * as FrameAssembly from "./FrameAssembly.ts"
import * as TrackFile from "./TrackFile.ts"

/** Writes every stream of a call to a file of its own. */
export interface CallRecorder {
  /** Takes a whole frame. Streams of codecs that there are no files for are passed over. */
  readonly write: (
    source: Source,
    frame: FrameAssembly.ReceivedFrame
  ) => Effect.Effect<void, PlatformError.PlatformError>
  /**
   * Writes what the files still lack. Nothing may be written afterwards. When the scope ends without it, as by an
   * interruption, the files are finished as far as that is possible.
   */
  readonly finish: Effect.Effect<void, PlatformError.PlatformError>
  /** Paths of the files so far. */
  readonly paths: () => ReadonlyArray<string>
}

export interface Source {
  readonly participant: ParticipantId
  readonly ssrc: number
  readonly codec: string
}

interface Recording {
  readonly track: TrackFile.TrackFile
  readonly file: FileSystem.File
  /** Does something the first time only. */
  readonly finish: Effect.Effect<void, PlatformError.PlatformError>
}

/** A recorder into this directory, which is made. The files are closed when the scope ends. */
export const make = Effect.fnUntraced(function* (
  directory: string
): Effect.fn.Return<CallRecorder, PlatformError.PlatformError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const scope = yield* Effect.scope
  yield* fileSystem.makeDirectory(directory, { recursive: true })
  const recordings = new Map<number, Recording | undefined>()
  const paths: Array<string> = []

  /** A participant who comes back with new streams gets new files. */
  const newPath = ({ participant }: Source, extension: string): string => {
    const name = participant.replace(/[^\p{L}\p{N}._-]/gu, "_")
    for (let n = 1; ; n++) {
      const candidate = path.join(directory, `${name}${n === 1 ? "" : `-${n}`}${extension}`)
      if (!paths.includes(candidate)) return candidate
    }
  }

  const begin = Effect.fnUntraced(function* (source: Source) {
    const track = TrackFile.make(source.codec, source.ssrc)
    if (track === undefined) return undefined
    const filePath = newPath(source, track.extension)
    paths.push(filePath)
    const file = yield* fileSystem.open(filePath, { flag: "w" })
    let isFinished = false
    const finish = Effect.gen(function* () {
      if (isFinished) return
      isFinished = true
      const { correction, tail } = track.finish()
      if (tail.length > 0) yield* file.writeAll(tail)
      if (correction === undefined) return
      yield* file.seek(BigInt(correction.offset), "start")
      yield* file.writeAll(correction.bytes)
    })
    yield* Effect.addFinalizer(() => Effect.ignore(finish))
    return { track, file, finish }
  })

  return {
    paths: () => paths,
    finish: Effect.suspend(() =>
      Effect.forEach(recordings.values(), (recording) => recording?.finish ?? Effect.void, { discard: true })
    ),
    write: Effect.fnUntraced(function* (source, frame) {
      if (!recordings.has(source.ssrc)) recordings.set(source.ssrc, yield* begin(source).pipe(Scope.provide(scope)))
      const recording = recordings.get(source.ssrc)
      const bytes = recording?.track.append(frame)
      if (recording !== undefined && bytes !== undefined && bytes.length > 0) yield* recording.file.writeAll(bytes)
    })
  }
})
