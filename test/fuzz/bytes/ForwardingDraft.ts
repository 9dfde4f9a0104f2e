import * as Feedback from "../../../src/protocol/Feedback.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as Relay from "../../pipeline/RelayHarness.ts"
import * as Dice from "../Dice.ts"
import * as Corpus from "./Corpus.ts"
import { concat, mutate } from "./Mutation.ts"

/** A datagram on its way to the relay. */
export interface Datagram {
  /** Whose address it comes from: a participant's, and from `participants` on the same port of another host. */
  readonly from: number
  readonly bytes: Uint8Array
}

export const addressOf = (from: number): Uint32Array => {
  const address = Relay.addressOf(from % participants)
  if (from >= participants) address[4]!++
  return address
}

/** What happens to the relay: time passes, then datagrams come in one batch; none: it does what is due. */
export interface Step {
  readonly afterMs: number
  readonly datagrams: ReadonlyArray<Datagram>
}

export const participants = 5
/** The first of them are in one call, the others in a second. */
export const inFirstCall = 3

const rtp = Corpus.bytesOfAll(Corpus.hexFile("rtp.hex"))
const bodies = [
  ...rtp,
  ...Corpus.bytesOfAll(Corpus.hexFile("rtcp.hex")),
  ...Corpus.bytesOfAll(Corpus.hexFile("feedback.hex")),
  ...Corpus.bytesOfAll(Corpus.controlMessages)
]

/** A participant as far as its numbers go. */
interface Sender {
  hop: number
  repair: number
  /** Of its frames so far, for resends. */
  readonly sent: Array<Uint8Array>
}

const { FrameType } = HopFrame
const types = Object.values(FrameType)
const epoch = 1

const headerOf = (from: number, type: HopFrame.FrameType, flags: number, hop: number, repair: number): Uint8Array => {
  const header = new Uint8Array(HopFrame.headerBytes)
  const typeByte = HopFrame.typeByte(type, flags)
  HopFrame.writeHeader(new DataView(header.buffer), 0, typeByte, 0xa0, hop, repair, epoch, Relay.tagOf(from))
  return header
}

/** An RTP packet of a stream that the participant has declared. */
const packetOf = (draw: Dice.Dice, from: number, type: HopFrame.FrameType, repair: number): Uint8Array => {
  const packet = concat(Dice.pick(draw, rtp), Dice.bytes(draw, Dice.pick(draw, [0, 8, 100, 1100])))
  const view = new DataView(packet.buffer)
  const ssrc = type === FrameType.Video ? Relay.videoSsrc(from) : Relay.audioSsrc(from)
  view.setUint32(4, repair * 960)
  view.setUint32(type === FrameType.EndToEndRtcp ? 4 : 8, ssrc)
  return packet
}

const media = (draw: Dice.Dice, from: number, sender: Sender): Uint8Array => {
  const type = Dice.pick(draw, [
    FrameType.Audio,
    FrameType.AudioOnset,
    FrameType.Video,
    FrameType.Video,
    FrameType.EndToEndRtcp
  ])
  // A hole, most often of few packets, once in a while of more than a relay asks for.
  if (Dice.chance(draw, 0.1)) sender.repair += Dice.chance(draw, 0.95) ? Dice.integer(draw, 1, 30) : 1500
  const repair = sender.repair++ & 0xffff
  const frame = concat(headerOf(from, type, 0, sender.hop++ & 0xffff, repair), packetOf(draw, from, type, repair))
  sender.sent.push(frame)
  return frame
}

const resent = (draw: Dice.Dice, sender: Sender): Uint8Array | undefined => {
  const before = sender.sent.at(-Dice.integer(draw, 1, 40))?.slice()
  if (before === undefined) return undefined
  before[0]! |= Dice.chance(draw, 0.8) ? HopFrame.resendFlag : 0
  new DataView(before.buffer).setUint16(2, sender.hop++ & 0xffff)
  return before
}

const feedback = (draw: Dice.Dice, from: number, sender: Sender): Uint8Array => {
  const report = Feedback.make()
  report.baseHopSequence = Dice.integer(draw, 0, 40)
  report.arrivalCount = Dice.integer(draw, 0, 40)
  for (let i = 0; i < report.arrivalCount; i++) {
    report.arrivalTicks[i] = Dice.chance(draw, 0.2) ? Feedback.notReceived : i * 20
  }
  report.requestCount = Dice.pick(draw, [0, 1, 3, 40, Feedback.requestsMax])
  for (let i = 0; i < report.requestCount; i++) {
    report.requests[i] = Dice.chance(draw, 0.9) ? Dice.integer(draw, 0, 120) : Dice.integer(draw, 0, 0xffff)
  }
  report.keyFrameCount = Dice.integer(draw, 0, 2)
  for (let i = 0; i < report.keyFrameCount; i++) {
    report.keyFrameSsrcs[i] = Relay.videoSsrc(Dice.integer(draw, 0, participants))
  }
  const body = new Uint8Array(Feedback.frameBytesMax)
  const length = Feedback.write(new DataView(body.buffer), 0, body.length, report, Dice.integer(draw, 0, 400))
  return concat(
    headerOf(from, FrameType.Feedback, 0, sender.hop++ & 0xffff, sender.repair & 0xffff),
    body.subarray(0, length)
  )
}

/** A frame that a participant may send. */
const valid = (draw: Dice.Dice, from: number, sender: Sender): Uint8Array => {
  switch (Dice.pickWeighted(draw, { media: 10, resend: 3, feedback: 4, padding: 1, other: 1 })) {
    case "media":
      return media(draw, from, sender)
    case "resend":
      return resent(draw, sender) ?? media(draw, from, sender)
    case "feedback":
      return feedback(draw, from, sender)
    case "padding":
      return headerOf(from, FrameType.Padding, 0, sender.hop++ & 0xffff, (sender.repair - 1) & 0xffff)
    case "other":
      return concat(
        headerOf(from, Dice.pick(draw, types), 0, sender.hop++ & 0xffff, sender.repair & 0xffff),
        Dice.pick(draw, bodies)
      )
  }
}

/** Datagrams longer than this are not received at all. Bytes. */
const datagramBytesMax = 1500

const datagram = (draw: Dice.Dice, senders: ReadonlyArray<Sender>): Datagram => {
  const from = Dice.integer(draw, 0, participants - 1)
  const bytes = valid(draw, from, senders[from]!)
  const changed = Dice.chance(draw, 0.3) ? mutate(draw, bytes, bodies) : bytes
  const source = Dice.chance(draw, 0.93) ? from : Dice.integer(draw, 0, 2 * participants - 1)
  return { from: source, bytes: changed.slice(0, datagramBytesMax) }
}

export const drawSteps = (draw: Dice.Dice): ReadonlyArray<Step> => {
  const senders = Dice.many(participants, (): Sender => ({ hop: 0, repair: 0, sent: [] }))
  // Numbers wrap: some sessions are old.
  for (const sender of senders) if (Dice.chance(draw, 0.3)) sender.repair = Dice.integer(draw, 0, 900)
  return Dice.many(Dice.integer(draw, 1, 30), () => ({
    afterMs: Dice.chance(draw, 0.95) ? Dice.integer(draw, 0, 60) : Dice.integer(draw, 0, 5000),
    datagrams: Dice.many(Dice.integer(draw, 0, 12), () => datagram(draw, senders))
  }))
}
