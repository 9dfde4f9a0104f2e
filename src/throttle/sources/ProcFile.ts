import { Effect } from "effect"
import * as Fs from "node:fs"

/** More than a file of figures has in its part that counts. Bytes. */
const bytesMax = 4096

/** Reads a small file of the kernel again and again through one descriptor: some microseconds each time. */
export const open = Effect.fnUntraced(function* (path: string) {
  const descriptor = yield* Effect.acquireRelease(
    Effect.sync(() => {
      try {
        return Fs.openSync(path, "r")
      } catch {
        return undefined
      }
    }),
    (descriptor) => Effect.sync(() => descriptor === undefined || Fs.closeSync(descriptor))
  )
  const buffer = Buffer.alloc(bytesMax)
  /** `undefined`: there is no such file, or it cannot be read any more. */
  return (): string | undefined => {
    if (descriptor === undefined) return undefined
    try {
      return buffer.toString("latin1", 0, Fs.readSync(descriptor, buffer, 0, bytesMax, 0))
    } catch {
      return undefined
    }
  }
})

/** A source that is one file. */
export const reader = <A>(path: string, parse: (text: string) => A | undefined) =>
  Effect.map(open(path), (text) => ({
    read: (): A | undefined => {
      const now = text()
      return now === undefined ? undefined : parse(now)
    }
  }))
