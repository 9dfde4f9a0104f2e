import { Effect, FileSystem } from "effect"
import { BadInput } from "./Failure.ts"

/** Refuses files that are not there: those that a demo has by itself are in a clone only. */
export const findSamples = Effect.fnUntraced(function* (files: ReadonlyArray<string>) {
  const fileSystem = yield* FileSystem.FileSystem
  for (const file of files) {
    if (yield* fileSystem.exists(file).pipe(Effect.orElseSucceed(() => false))) continue
    return yield* new BadInput({
      message: `${file} is not there: run in a clone, or name files with --audio and --video`
    })
  }
})
