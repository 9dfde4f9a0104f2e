import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as EndToEndEncryption from "../../../src/client/EndToEndEncryption.ts"
import * as SFrameHeader from "../../../src/client/encryption/SFrameHeader.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as Corpus from "./Corpus.ts"
import { mutate } from "./Mutation.ts"

const samples = Corpus.bytesOfAll(Corpus.sframeHeaders)

const checkHeader = (bytes: Uint8Array): void => {
  const header = SFrameHeader.decode(bytes)
  if (header === undefined) return
  hold(header.length <= bytes.length, "a header lies within its bytes")
  const shortest = SFrameHeader.encode(header.keyId, header.counter)
  hold(shortest.length <= header.length, "no header is shorter than the one that is written", () => show(header))
  const again = SFrameHeader.decode(shortest)
  hold(isDeepStrictEqual(again, { ...header, length: shortest.length }), "what is written is read", () =>
    show([header, again])
  )
}

export const headers = define({
  name: "sframe-headers",
  about: "SFrame headers: nothing throws, what is read is written and read alike",
  smokeCases: 3000,
  draw: (draw) => mutate(draw, Dice.pick(draw, samples), samples),
  check: checkHeader,
  smaller: Smaller.byteStrings,
  show: hexOf
})

/** What somebody on the way makes of the payloads of a sender. */
interface PayloadsCase {
  readonly keyId: bigint
  /** Of each payload: how many were sent since the one before, and what is received before it itself is. */
  readonly steps: ReadonlyArray<Step>
}

interface Step {
  readonly skipped: number
  readonly payloadBytes: number
  /** Stands for the payload as it is sealed in the check: seeds of changes. */
  readonly forgeries: ReadonlyArray<Forgery>
  readonly again: boolean
}

interface Forgery {
  readonly seed: number
  readonly of: "payload" | "metadata"
}

const secret = new Uint8Array(EndToEndEncryption.secretBytes).fill(3)
const ssrc = 1001
const metadata = new Uint8Array(13).fill(0x80)

const drawStep = (draw: Dice.Dice): Step => ({
  skipped: Dice.chance(draw, 0.8) ? 0 : Dice.pick(draw, [1, 31, 32, 33, 2015, 2016, 2017, 5000]),
  payloadBytes: Dice.pick(draw, [0, 1, 3, 160]),
  forgeries: Dice.many(Dice.integer(draw, 0, 3), () => ({
    seed: Dice.integer(draw, 0, 0xffff_ffff),
    of: Dice.chance(draw, 0.8) ? "payload" : "metadata"
  })),
  again: Dice.chance(draw, 0.5)
})

/** A forgery that happens to be what was sealed is none. */
const isForged = (bytes: Uint8Array, original: Uint8Array): boolean => !isDeepStrictEqual(bytes, original)

const checkPayloads = ({ keyId, steps }: PayloadsCase): void => {
  const sender = EndToEndEncryption.makeSender({ secret, ssrc, keyId })
  const receiver = EndToEndEncryption.makeReceiver({ secret, ssrc })
  const sealedBefore: Array<Uint8Array> = [new Uint8Array(1)]
  const refuse = (sealed: Uint8Array, withMetadata: Uint8Array) => {
    const opened = EndToEndEncryption.open(receiver, sealed, withMetadata)
    hold(Result.isFailure(opened), "what was changed is refused", () => hexOf(sealed))
  }
  for (const { again, forgeries, payloadBytes, skipped } of steps) {
    sender.counter += skipped
    const payload = new Uint8Array(payloadBytes).fill(sender.counter)
    const sealed = EndToEndEncryption.seal(sender, payload, metadata)
    hold(sealed.length <= payload.length + EndToEndEncryption.overheadBytesMax, "encryption adds no more than it says")
    for (const { of, seed } of forgeries) {
      const original = of === "payload" ? sealed : metadata
      const forged = mutate(Dice.ofCase(seed, of, 0), original, [...sealedBefore.slice(-3), sealed])
      const isRepeated = sealedBefore.some((before) => !isForged(forged, before))
      if (!isForged(forged, original) || isRepeated) continue
      if (of === "payload") refuse(forged, metadata)
      else refuse(sealed, forged)
    }
    const opened = EndToEndEncryption.open(receiver, sealed, metadata)
    hold(Result.isSuccess(opened), "what was refused before changes nothing", () => show(opened))
    hold(isDeepStrictEqual(opened.success, payload), "what was sealed is opened", () => show(opened.success))
    if (again) refuse(sealed, metadata)
    sealedBefore.push(sealed)
  }
  for (const sealed of sealedBefore) refuse(sealed, metadata)
}

export const payloads = define<PayloadsCase>({
  name: "encryption",
  about: "end-to-end encryption: what was changed or was there before is refused and changes nothing",
  smokeCases: 120,
  draw: (draw) => ({
    keyId: BigInt(Dice.integer(draw, 0, Number.MAX_SAFE_INTEGER)) >> BigInt(Dice.integer(draw, 0, 60)),
    steps: Dice.many(Dice.integer(draw, 1, 12), () => drawStep(draw))
  }),
  check: checkPayloads,
  *smaller(input) {
    for (const steps of Smaller.lists(input.steps)) yield { ...input, steps }
    const fewer = (step: Step) => Array.from(Smaller.lists(step.forgeries), (forgeries) => ({ ...step, forgeries }))
    for (const steps of Smaller.listsOfSmaller(input.steps, fewer)) yield { ...input, steps }
  },
  show: ({ keyId, steps }) => `key id ${keyId}\n${steps.map((step) => JSON.stringify(step)).join("\n")}`
})
