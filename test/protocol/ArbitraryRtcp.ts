import { Arbitrary, Schema } from "effect"
import type { RtcpPacket } from "../../src/protocol/RtcpPacket.ts"
import type * as RtcpFeedback from "../../src/protocol/RtcpFeedback.ts"
import type * as RtcpReports from "../../src/protocol/RtcpReports.ts"
import type { Goodbye } from "../../src/protocol/RtcpGoodbye.ts"
import type { SourceDescription } from "../../src/protocol/RtcpSourceDescription.ts"

/** Made-up RTCP packets of every kind. */

export const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.map(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum }))), (n) => n + 0)

const tag = <Tag extends string>(tag: Tag) => Arbitrary.schema(Schema.Literal(tag))
const u8 = integer(0, 0xff)
const u16 = integer(0, 0xffff)
const u32 = integer(0, 0xffffffff)

/** Of at most 255 bytes of UTF-8. */
const text = Arbitrary.filter(
  Arbitrary.schema(Schema.String),
  (text) => text.isWellFormed() && new TextEncoder().encode(text).length <= 255
)
const optionalText = Arbitrary.map(Arbitrary.all([u8, text]), ([dice, text]) => (dice < 64 ? undefined : text))

export const block: Arbitrary.Arbitrary<RtcpReports.ReportBlock> = Arbitrary.all({
  ssrc: u32,
  fractionLost: u8,
  cumulativeLost: integer(-0x800000, 0x7fffff),
  extendedHighestSequence: u32,
  jitter: u32,
  lastSenderReport: u32,
  delaySinceLastSenderReport: u32
})

const blocks = Arbitrary.array(block, { maxLength: 31 })

export const senderReport: Arbitrary.Arbitrary<RtcpReports.SenderReport> = Arbitrary.all({
  _tag: tag("SenderReport"),
  ssrc: u32,
  ntpTime: Arbitrary.all({ seconds: u32, fraction: u32 }),
  rtpTimestamp: u32,
  packetCount: u32,
  octetCount: u32,
  blocks
})

export const receiverReport: Arbitrary.Arbitrary<RtcpReports.ReceiverReport> = Arbitrary.all({
  _tag: tag("ReceiverReport"),
  ssrc: u32,
  blocks
})

export const sourceDescription: Arbitrary.Arbitrary<SourceDescription> = Arbitrary.all({
  _tag: tag("SourceDescription"),
  chunks: Arbitrary.array(Arbitrary.all({ ssrc: u32, cname: optionalText }), { maxLength: 31 })
})

export const goodbye: Arbitrary.Arbitrary<Goodbye> = Arbitrary.all({
  _tag: tag("Goodbye"),
  ssrcs: Arbitrary.array(u32, { maxLength: 31 }),
  reason: optionalText
})

/** Numbers that ascend from anywhere, by small steps and by large ones, at most one lap of them. */
const ascending = Arbitrary.map(
  Arbitrary.all([u16, Arbitrary.array(Arbitrary.all([integer(1, 20), integer(1, 300), u8]), { maxLength: 100 })]),
  ([first, steps]) => {
    const numbers = [first]
    for (const [small, large, dice] of steps) numbers.push((numbers.at(-1)! + (dice < 200 ? small : large)) & 0xffff)
    return numbers
  }
)

export const nack: Arbitrary.Arbitrary<RtcpFeedback.GenericNack> = Arbitrary.all({
  _tag: tag("GenericNack"),
  senderSsrc: u32,
  mediaSsrc: u32,
  lost: ascending
})

export const pictureLoss: Arbitrary.Arbitrary<RtcpFeedback.PictureLossIndication> = Arbitrary.all({
  _tag: tag("PictureLossIndication"),
  senderSsrc: u32,
  mediaSsrc: u32
})

export const fullIntra: Arbitrary.Arbitrary<RtcpFeedback.FullIntraRequest> = Arbitrary.all({
  _tag: tag("FullIntraRequest"),
  senderSsrc: u32,
  requests: Arbitrary.array(Arbitrary.all({ ssrc: u32, sequenceNumber: u8 }), { minLength: 1, maxLength: 20 })
})

/** APP, XR, a transport feedback and a payload feedback of other formats (transport-wide and REMB), and what nobody knows. */
const otherKinds: ReadonlyArray<readonly [packetType: number, count: number]> = [
  [204, 7],
  [207, 0],
  [205, 15],
  [206, 15],
  [223, 31]
]
const other: Arbitrary.Arbitrary<RtcpPacket> = Arbitrary.map(
  Arbitrary.all([integer(0, otherKinds.length - 1), Arbitrary.array(u32, { maxLength: 40 })]),
  ([kind, words]) => {
    const [packetType, count] = otherKinds[kind]!
    return { _tag: "Other", packetType, count, body: new Uint8Array(Uint32Array.from(words).buffer) }
  }
)

const kinds = [senderReport, receiverReport, sourceDescription, goodbye, nack, pictureLoss, fullIntra, other]

export const packet: Arbitrary.Arbitrary<RtcpPacket> = Arbitrary.flatMap(
  integer(0, kinds.length - 1),
  (kind): Arbitrary.Arbitrary<RtcpPacket> => kinds[kind]!
)

export const compound = Arbitrary.array(packet, { minLength: 1, maxLength: 6 })
