import * as Stun from "../../src/protocol/Stun.ts"
import { mutate } from "../fuzz/bytes/Mutation.ts"
import { numbered, type Specimen } from "./Specimens.ts"

/** Specimens that are longer go out as they are: a million copies of them would cost more than the relay does. Bytes. */
const spoiledBytesMax = 2000
/** Share of the specimens that go out as they were made. */
const unspoiledRatio = 0.2
/** Share of the spoiled messages that get their length and FINGERPRINT right again. */
const wholeRatio = 0.7

const finish = (spoiled: Uint8Array, number: number): Uint8Array => {
  const fingerprintBytes = Stun.attributeBytes(Stun.fingerprintBytes)
  const rounded = spoiled.subarray(0, spoiled.length - (spoiled.length % 4))
  const end = rounded.length - fingerprintBytes
  const hasFingerprint = end >= Stun.headerBytes && ((rounded[end]! << 8) | rounded[end + 1]!) === Stun.fingerprintType
  return numbered(Stun.appendFingerprint(hasFingerprint ? rounded.subarray(0, end) : rounded), number)
}

/**
 * A function that makes datagrams without end: each a specimen that has been spoiled, or left as it was. All of it follows
 * from the dice. A control message has its number at the start of its transaction id.
 */
export const make = (specimens: ReadonlyArray<Specimen>, draw: () => number): ((number: number) => Uint8Array) => {
  const others = specimens.map(({ make }) => make(0)).filter(({ length }) => length <= spoiledBytesMax)
  return (number) => {
    const bytes = specimens[Math.floor(draw() * specimens.length)]!.make(number)
    if (bytes.length > spoiledBytesMax || draw() < unspoiledRatio) return bytes
    const spoiled = mutate(draw, bytes, others)
    if (spoiled.length < Stun.headerBytes || !Stun.isControl(spoiled[0]!)) return spoiled
    return draw() < wholeRatio ? finish(spoiled, number) : numbered(spoiled, number)
  }
}
