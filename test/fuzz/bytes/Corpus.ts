import * as Fs from "node:fs"
import { bytesOf, type ControlVectors } from "../../protocol/ControlVectors.ts"

/** Where mutations begin: valid input, and input that has been trouble before. */
export interface Sample {
  readonly name: string
  readonly bytes: Uint8Array
}

const read = (path: string): string => Fs.readFileSync(new URL(path, import.meta.url), "utf8")

/**
 * A file of `test/fuzz/corpus`: a name and hexadecimal bytes on each line, the bytes in groups as they are read best. Lines
 * that begin with # are for people.
 */
export const hexFile = (name: string): ReadonlyArray<Sample> =>
  linesOf(name).map((line) => {
    const [label = "", ...groups] = line.split(/\s+/)
    return { name: label, bytes: bytesOf(groups.join("")) }
  })

/** A file of `test/fuzz/corpus` in which every line is a sample. */
export const linesOf = (name: string): ReadonlyArray<string> =>
  read(`../corpus/${name}`)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))

interface StunVectors {
  readonly vectors: ReadonlyArray<{ readonly name: string; readonly bytes: string }>
}

const controlVectors = JSON.parse(read("../../vectors/control-messages.json")) as ControlVectors

/** The key that the signed messages of `controlMessages` are signed with. */
export const participantKey = bytesOf(controlVectors.token.participantKey)

export const tokenClaims = bytesOf(controlVectors.token.bytes)

/** Every kind of message that docs/protocol.md knows, and the samples of RFC 5769. */
export const controlMessages: ReadonlyArray<Sample> = [
  ...controlVectors.messages,
  ...(JSON.parse(read("../../vectors/stun-rfc5769.json")) as StunVectors).vectors
].map(({ bytes, name }) => ({ name, bytes: bytesOf(bytes) }))

interface HeaderVectors {
  readonly vectors: ReadonlyArray<{ readonly encoded: string }>
}

export const sframeHeaders: ReadonlyArray<Sample> = (
  JSON.parse(read("../../vectors/sframe-header.json")) as HeaderVectors
).vectors.map(({ encoded }) => ({ name: encoded, bytes: bytesOf(encoded) }))

export const bytesOfAll = (samples: ReadonlyArray<Sample>): ReadonlyArray<Uint8Array> =>
  samples.map(({ bytes }) => bytes)
