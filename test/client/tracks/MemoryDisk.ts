import { Effect, FileSystem } from "effect"

/** A disk on which files are written without taking any time, for calls in virtual time. */
export const make = () => {
  const files = new Map<string, Buffer>()
  const open = (path: string) =>
    Effect.sync(() => {
      let at = 0
      files.set(path, Buffer.alloc(0))
      const writeAll = (bytes: Uint8Array) =>
        Effect.sync(() => {
          const before = files.get(path)!
          files.set(path, Buffer.concat([before.subarray(0, at), bytes, before.subarray(at + bytes.length)]))
          at += bytes.length
        })
      const seek = (offset: bigint) => Effect.sync(() => void (at = Number(offset)))
      return { [FileSystem.FileTypeId]: FileSystem.FileTypeId, seek, writeAll } as unknown as FileSystem.File
    })
  const writeFileString = (path: string, text: string) => Effect.sync(() => void files.set(path, Buffer.from(text)))
  return { files, disk: FileSystem.makeNoop({ makeDirectory: () => Effect.void, open, writeFileString }) }
}
