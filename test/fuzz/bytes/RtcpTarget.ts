import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as RtcpHeader from "../../../src/protocol/RtcpHeader.ts"
import * as RtcpPacket from "../../../src/protocol/RtcpPacket.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as Corpus from "./Corpus.ts"
import { concat, mutate } from "./Mutation.ts"

const corpus = Corpus.bytesOfAll(Corpus.hexFile("rtcp.hex"))
const around = new Uint8Array(16).fill(0xa5)

/** What a packet means: a NACK asks for a set, in whatever order and however often it names one. */
const meaningOf = (packet: RtcpPacket.RtcpPacket) =>
  packet._tag === "GenericNack"
    ? { ...packet, lost: [...new Set(packet.lost)].sort((a, b) => a - b) }
    : packet._tag === "Other"
      ? { ...packet, body: Array.from(packet.body) }
      : packet

const check = (datagram: Uint8Array): void => {
  const memory = concat(around, datagram, around)
  const decoded = RtcpPacket.decode(memory.subarray(around.length, around.length + datagram.length))
  if (Result.isFailure(decoded)) return
  hold(decoded.success.length > 0, "a datagram that is read has a packet in it")
  const bytes = RtcpPacket.encode(decoded.success)
  hold(bytes.length % 4 === 0, "packets are whole words", () => `${bytes.length} bytes`)
  const first = RtcpHeader.packetTypeAt(new DataView(bytes.buffer), 0)
  hold(first === datagram[1], "a packet keeps its type", () => `${first} instead of ${datagram[1]}`)
  const again = RtcpPacket.decode(bytes)
  hold(Result.isSuccess(again), "what was written is read", () => show(decoded.success))
  hold(
    isDeepStrictEqual(again.success.map(meaningOf), decoded.success.map(meaningOf)),
    "what is read again is the same",
    () => show([decoded.success, again.success])
  )
  hold(isDeepStrictEqual(RtcpPacket.encode(again.success), bytes), "what is the same is written alike", () =>
    show([decoded.success, again.success])
  )
}

export const target = define({
  name: "rtcp",
  about: "RTCP datagrams: nothing throws, what is read is written and read alike",
  smokeCases: 4000,
  draw: (draw) => {
    const compound = concat(...Dice.many(Dice.integer(draw, 1, 3), () => Dice.pick(draw, corpus)))
    return mutate(draw, compound, corpus)
  },
  check,
  smaller: Smaller.byteStrings,
  show: hexOf
})
