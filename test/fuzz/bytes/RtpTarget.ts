import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as Corpus from "./Corpus.ts"
import { concat, mutate } from "./Mutation.ts"

const corpus = Corpus.bytesOfAll(Corpus.hexFile("rtp.hex"))
/** RFC 3550 section 5.1. */
const paddingFlag = 0x20
const around = new Uint8Array(16).fill(0xa5)

const check = (packet: Uint8Array): void => {
  const memory = concat(around, packet, around)
  const isRtp = RtpHeader.isRtp(memory, around.length, packet.length)
  const decoded = RtpHeader.decode(memory.subarray(around.length, around.length + packet.length))
  if (Result.isFailure(decoded)) return
  hold(isRtp, "a relay forwards what a device can read")
  const { payload } = decoded.success
  const start = payload.byteOffset - around.length
  hold(start >= RtpHeader.fixedHeaderBytes, "the payload lies behind the header", () => `at ${start}`)
  const paddingBytes = (packet[0]! & paddingFlag) === 0 ? 0 : packet.at(-1)!
  const parts = [start, payload.length, paddingBytes]
  hold(parts.reduce((sum, part) => sum + part) === packet.length, "header, payload and padding make the packet", () =>
    show(parts)
  )
  const again = RtpHeader.decode(RtpHeader.encode(decoded.success))
  hold(Result.isSuccess(again), "what was written is read")
  const plain = (value: RtpHeader.RtpPacket) => ({ ...value, payload: Array.from(value.payload) })
  hold(isDeepStrictEqual(plain(again.success), plain(decoded.success)), "what is read again is the same", () =>
    show([decoded.success, again.success])
  )
}

export const target = define({
  name: "rtp",
  about: "RTP packets: nothing throws, the payload lies within the packet, what is read is written and read alike",
  smokeCases: 4000,
  draw: (draw) => mutate(draw, Dice.pick(draw, corpus), corpus),
  check,
  smaller: Smaller.byteStrings,
  show: hexOf
})
