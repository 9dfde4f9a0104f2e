import { Effect, FileSystem, Path } from "effect"
import * as FileCall from "../../../src/client/tracks/FileCall.ts"
import * as Raw from "../../server/RawDevice.ts"
import { hosts, type Name } from "../RelayScene.ts"
import { sharedSecret } from "../Scene.ts"
import * as MemoryDisk from "./MemoryDisk.ts"

/** Calls of files over the relay of a `scene`. */

/** With which a participant joins. */
export const optionsOf = Effect.fnUntraced(function* (participant: Name) {
  const token = yield* Raw.mint(participant)
  return { relays: [Raw.relayAddress], token, sharedSecret, host: hosts[participant], port: 5000 }
})

export const take = Effect.fnUntraced(function* (participant: Name, options: Partial<FileCall.Options>) {
  return yield* FileCall.run({
    ...(yield* optionsOf(participant)),
    tracks: [],
    subscribe: [],
    waitFor: 1,
    startAfterMs: 200,
    lingerMs: 500,
    recordInto: undefined,
    frameLog: undefined,
    volumeLog: undefined,
    onProgress: () => Effect.void,
    ...options
  })
})

/** The calls, on a disk that can be read afterwards. */
export const onDisk = Effect.fnUntraced(function* <A, E, R>(calls: Effect.Effect<A, E, R>) {
  const { disk, files } = MemoryDisk.make()
  const result = yield* calls.pipe(Effect.provideService(FileSystem.FileSystem, disk), Effect.provide(Path.layer))
  return { result, files, textOf: (path: string) => files.get(path)!.toString() }
})
