import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as ReceivingStream from "../../../src/client/streams/ReceivingStream.ts"
import type { ReceivedRtp } from "../../../src/client/streams/ReceivedRtp.ts"
import * as SendingStream from "../../../src/client/streams/SendingStream.ts"
import * as PacketRings from "../../../src/media/PacketRings.ts"
import * as SendLeg from "../../../src/media/SendLeg.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import { ParticipantId } from "../../../src/protocol/Ids.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import { StreamDescription } from "../../../src/protocol/StreamDescription.ts"
import * as PacketBatch from "../../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as Corpus from "./Corpus.ts"
import { mutate } from "./Mutation.ts"

/** Packets of a program that speaks RTP, through the streams of two clients. */
interface Case {
  readonly isEncrypted: boolean
  readonly packets: ReadonlyArray<Given>
}

interface Given {
  readonly bytes: Uint8Array
  /** What somebody on the way does to a copy that comes first: the bit to turn over. */
  readonly forgedBit: number
  readonly again: boolean
}

const corpus = Corpus.bytesOfAll(Corpus.hexFile("rtp.hex"))
const ssrc = 1001
const stream = { ssrc, kind: "video", codec: "vp8", clockRate: 90_000, payloadType: 96 } as const
const description = new StreamDescription({ ssrc, kind: "video", codec: "vp8", clockRate: 90_000 })
const secret = new Uint8Array(32).fill(9)
const ringBytes = 256 * 1024
const scratchBytes = 1024
/** Packets of one stream, as RecentPackets says. */
const rememberedMax = 2048

const draw = (dice: Dice.Dice): Case => ({
  isEncrypted: Dice.chance(dice, 0.6),
  packets: Dice.many(Dice.integer(dice, 1, 12), () => {
    const sample = Dice.pick(dice, corpus)
    const bytes = Dice.chance(dice, 0.7) ? mutate(dice, sample, corpus).slice(0, 1600) : sample.slice()
    if (bytes.length >= RtpHeader.fixedHeaderBytes) new DataView(bytes.buffer).setUint32(8, ssrc)
    return { bytes, forgedBit: Dice.integer(dice, 0, 8 * 1600), again: Dice.chance(dice, 0.3) }
  })
})

/** What the other side is to get: the packet as it was given, but encryption leaves padding out. */
const expectedOf = (bytes: Uint8Array, isEncrypted: boolean): Uint8Array => {
  if (!isEncrypted) return bytes
  const { payload } = Result.getOrThrow(RtpHeader.decode(bytes))
  const expected = bytes.slice(0, RtpHeader.headerBytesOf(bytes) + payload.length)
  expected[0]! &= ~RtpHeader.paddingFlag
  return expected
}

const check = ({ isEncrypted, packets }: Case): void => {
  const dice = Dice.ofCase(0, "whole", 0)
  const sharedSecret = isEncrypted ? secret : undefined
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: scratchBytes + 2 * ringBytes })
  const firstOffset = memory.ownerOffset + scratchBytes
  const rings = PacketRings.make(memory, firstOffset, { audioBytes: ringBytes, videoBytes: ringBytes })
  const out = PacketBatch.makeSendBatch({ capacity: 4, scratchOffset: memory.ownerOffset, scratchBytes })
  const sender = SendingStream.make(stream, sharedSecret, (size) => Dice.bytes(dice, size))
  const received: Array<ReceivedRtp> = []
  const handOutWhole = (packet: ReceivedRtp) => received.push(packet)
  const options = { sharedSecret, playoutDelayMs: 0, repair: true, handOutWhole }
  const receiver = ReceivingStream.make(ParticipantId.make("ada"), description, options)
  /** By place in what a receiver remembers: the newest packet. The very same numbers again are the same packet. */
  const seen = new Map<number, string>()

  const arrive = (frame: Uint8Array) => {
    const before = received.length
    const descriptor = HopFrame.descriptorAt(frame, 0)
    const bytes = frame.subarray(HopFrame.headerBytes)
    ReceivingStream.handlePacket(receiver, { bytes, descriptor, repaired: false, arrivedAtMs: 0 })
    return received.slice(before).map((packet) => packet.bytes)
  }

  for (const { again, bytes, forgedBit } of packets) {
    if (!RtpHeader.isRtp(bytes, 0, bytes.length)) continue
    const given = bytes.slice()
    // A leg of its own, on which nothing has to wait for what was sent before.
    const leg = SendLeg.make({ legTag: 1, epoch: 1, address: new Uint32Array(PacketBatch.addressWords) })
    const outcome = SendingStream.sendWhole(sender, { bytes: given }, leg, rings, 0, out)
    hold((outcome === "sent") === (out.count === 1), "what is said to be sent is sent", () => outcome)
    if (outcome !== "sent") continue
    const frame = new Uint8Array(PacketBatch.packetBytes(out, 0))
    PacketBatch.join(out, 0, memory, frame, 0)
    PacketBatch.reset(out)
    hold(frame.length <= PacketMemory.datagramBytesMax, "a frame fits into a datagram", () => `${frame.length} bytes`)

    const view = new DataView(given.buffer)
    const name = `${RtpHeader.sequenceNumberAt(view, 0)} ${RtpHeader.timestampAt(view, 0)}`
    const place = RtpHeader.sequenceNumberAt(view, 0) % rememberedMax
    const isRepeated = seen.get(place) === name
    if (isEncrypted && !isRepeated) {
      const forged = frame.slice()
      // Contributing sources and extension are in clear, and not the relay's to read: nothing vouches for them.
      const at = HopFrame.headerBytes + ((forgedBit >> 3) % (frame.length - HopFrame.headerBytes))
      const headerEnd = HopFrame.headerBytes + RtpHeader.headerBytesOf(given)
      const isCovered = at < HopFrame.headerBytes + RtpHeader.fixedHeaderBytes || at >= headerEnd
      forged[at]! ^= 1 << (forgedBit & 7)
      if (isCovered) hold(arrive(forged).length === 0, "what was changed is not handed out", () => `byte ${at}`)
    }
    const expected = isRepeated ? [] : [expectedOf(bytes, isEncrypted)]
    hold(isDeepStrictEqual(arrive(frame), expected), "a packet comes out as it went in", () => show([bytes, expected]))
    seen.set(place, name)
    if (again) hold(arrive(frame).length === 0, "a packet comes out once", () => name)
  }
}

export const target = define<Case>({
  name: "whole-packets",
  about:
    "whole RTP packets through two clients: nothing throws, what is sent comes out as it went in, once, and unchanged",
  smokeCases: 300,
  draw,
  check,
  *smaller(input) {
    for (const packets of Smaller.lists(input.packets)) yield { ...input, packets }
    const shorter = (given: Given) => Array.from(Smaller.byteStrings(given.bytes), (bytes) => ({ ...given, bytes }))
    for (const packets of Smaller.listsOfSmaller(input.packets, shorter)) yield { ...input, packets }
  },
  show: ({ isEncrypted, packets }) =>
    [isEncrypted ? "encrypted" : "as they are", ...packets.map(({ bytes }) => hexOf(bytes))].join("\n")
})
