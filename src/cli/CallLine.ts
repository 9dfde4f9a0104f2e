import { Effect, FileSystem } from "effect"

const isAny = (host: string): boolean => host === "0.0.0.0" || host === "::"

/** What to paste into a second terminal: with the sample media in a clone, without media elsewhere. */
export const callLine = Effect.fnUntraced(function* (bound: string, port: number) {
  const host = isAny(bound) ? "127.0.0.1" : bound
  const fileSystem = yield* FileSystem.FileSystem
  const hasSamples = yield* fileSystem.exists("samples/speech.opus").pipe(Effect.orElseSucceed(() => false))
  const tandem = hasSamples ? "npm run tandem --" : "tandem"
  const media = hasSamples ? " --audio samples/speech.opus --video samples/video.ivf" : ""
  const relay = `${host.includes(":") ? `[${host}]` : host}:${port}`
  const line = (name: string) =>
    `  ${tandem} call --relay ${relay} --call hello --as ${name} --passphrase hello${media} --record ${name}`
  return `to try it, paste one of these into each of two other terminals:\n${line("ada")}\n${line("lin")}`
})
