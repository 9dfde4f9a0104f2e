import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as FrameMarks from "../../../src/client/payload/FrameMarks.ts"
import * as OpusPayload from "../../../src/client/payload/OpusPayload.ts"
import * as Vp8Assembler from "../../../src/client/payload/Vp8Assembler.ts"
import * as Vp8Payload from "../../../src/client/payload/Vp8Payload.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as Corpus from "./Corpus.ts"
import { mutate } from "./Mutation.ts"

const corpus = Corpus.bytesOfAll(Corpus.hexFile("payloads.hex"))

const check = (payload: Uint8Array): void => {
  const opus = OpusPayload.read(payload)
  if (Result.isSuccess(opus)) {
    const { durationSamples } = opus.success
    const isDuration =
      durationSamples > 0 && durationSamples <= OpusPayload.packetSamplesMax && durationSamples % 120 === 0
    hold(isDuration, "an Opus packet lasts as long as one may", () => `${durationSamples} samples`)
  }
  const vp8 = Vp8Payload.read(payload)
  if (Result.isSuccess(vp8)) {
    hold(vp8.success.bytes.length > 0, "a VP8 payload has a part of a frame")
    hold(vp8.success.temporalLayer <= 3 && (vp8.success.pictureId ?? 0) <= Vp8Payload.pictureIdMask, "fields fit", () =>
      show(vp8.success)
    )
  }
  Vp8Payload.keyFrameSize(payload)
  for (const byte of payload) {
    hold(FrameMarks.toDescriptor(FrameMarks.fromDescriptor(byte)) === byte, "a descriptor is read and written alike")
  }
}

export const payloads = define({
  name: "payloads",
  about: "Opus and VP8 payloads: nothing throws, what is read makes sense",
  smokeCases: 3000,
  draw: (draw) => mutate(draw, Dice.pick(draw, corpus), corpus),
  check,
  smaller: Smaller.byteStrings,
  show: hexOf
})

/** Frames on their way through packets, of which some are lost, come twice, or are something else. */
interface FramesCase {
  readonly sequenceStart: number
  readonly payloadBytesMax: number
  readonly frames: ReadonlyArray<Frame>
}

interface Frame {
  readonly bytes: Uint8Array
  /** By packet. */
  readonly fates: ReadonlyArray<Fate>
}
type Fate = "arrives" | "lost" | "twice" | "other"

const fate = (draw: Dice.Dice): Fate => Dice.pickWeighted(draw, { arrives: 20, lost: 1, twice: 1, other: 1 })

const drawFrame = (draw: Dice.Dice): Frame => {
  // The last is more than an assembler has room for at first.
  const bytes = Dice.bytes(draw, Dice.pick(draw, [1, 2, 10, 100, 100, 400, 400, 20_000]))
  // Whole frames are the rule: only then is there something to yield.
  const whole = Dice.chance(draw, 0.7)
  return { bytes, fates: Dice.many(40, () => (whole ? "arrives" : fate(draw))) }
}

const checkFrames = ({ frames, payloadBytesMax, sequenceStart }: FramesCase): void => {
  const assembler = Vp8Assembler.make()
  let sequence = sequenceStart
  /** Every packet since the last key frame that was yielded, and that one, arrived as it was. */
  let isChainWhole = false
  frames.forEach(({ bytes, fates }, number) => {
    const timestamp = (0xffff_0000 + number * 3000) >>> 0
    const packets = Vp8Payload.packetize(bytes, number & Vp8Payload.pictureIdMask, payloadBytesMax)
    const yielded: Array<Vp8Assembler.Vp8Frame> = []
    let isWhole = true
    packets.forEach(({ marks, payload }, place) => {
      const fate = fates[place % fates.length]!
      if (fate === "lost" || fate === "other") isWhole = false
      const packet = { sequenceNumber: sequence, timestamp, marker: marks.endOfFrame }
      sequence = (sequence + 1) & 0xffff
      if (fate === "lost") return
      // Too short for a descriptor; an empty one would be padding, which belongs to no frame.
      const received = fate === "other" ? new Uint8Array(1) : payload
      for (let copy = 0; copy < (fate === "twice" ? 2 : 1); copy++) {
        const frame = Vp8Assembler.handlePacket(assembler, { ...packet, payload: received })
        if (frame !== undefined) yielded.push(frame)
      }
    })
    hold(yielded.length === (isWhole ? 1 : 0), "a frame comes out when all of it has come in, and once", () =>
      show({ number, isWhole, yielded: yielded.length })
    )
    isChainWhole = isWhole && (isChainWhole || Vp8Payload.isKeyFrame(bytes))
    const [frame] = yielded
    if (frame === undefined) return
    hold(isDeepStrictEqual(frame.bytes, bytes) && frame.timestamp === timestamp, "a frame comes out as it was", () =>
      show(frame)
    )
    hold(frame.decodable === isChainWhole, "a frame is decodable when nothing is missing since a key frame", () =>
      show({ number, isChainWhole, decodable: frame.decodable })
    )
  })
}

export const frames = define<FramesCase>({
  name: "frames",
  about:
    "VP8 frames over packets that are lost, repeated or replaced: whole ones come out once and unchanged, no others do",
  smokeCases: 800,
  draw: (draw) => ({
    sequenceStart: Dice.pick(draw, [0, 1, 0x7ff0, 0xfff0, Dice.integer(draw, 0, 0xffff)]),
    payloadBytesMax: Dice.pick(draw, [5, 14, 104, 1100]),
    frames: Dice.many(Dice.integer(draw, 1, 12), () => drawFrame(draw))
  }),
  check: checkFrames,
  *smaller(input) {
    for (const frames of Smaller.lists(input.frames)) yield { ...input, frames }
  },
  show: ({ frames, payloadBytesMax, sequenceStart }) =>
    [
      `from sequence number ${sequenceStart}, payloads of ${payloadBytesMax} bytes`,
      ...frames.map(
        ({ bytes, fates }) =>
          `${bytes.length} bytes, ${bytes[0]! & 1 ? "" : "key frame, "}by packet: ${fates.join(" ")}`
      )
    ].join("\n")
})
