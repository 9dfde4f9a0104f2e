import * as Fs from "node:fs"
import type * as CallToken from "../../src/access/CallToken.ts"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import { fingerprint } from "../../src/protocol/StunFingerprint.ts"
import { bytesOf, type ControlVectors } from "../protocol/ControlVectors.ts"
import { feedback } from "../pipeline/RelayHarness.ts"

/** Valid datagrams of every kind, to be sent as they are or spoiled. `number` makes each one another. */
export interface Specimen {
  readonly name: string
  readonly make: (number: number) => Uint8Array
}

/** Whose datagrams they are: what a participant knows, or what a stranger makes up. */
export interface Sender {
  readonly token: CallToken.CallToken
  /** The relay's, for the frames of this sender. */
  readonly legTag: number
  readonly epoch: number
  readonly ssrc: number
  readonly cookie: Uint8Array
}

const always = (name: string, bytes: Uint8Array): Specimen => ({ name, make: () => bytes })

const transactionIdOffset = 8

/** A control message under a transaction id of its own; its FINGERPRINT, if it has one, is right again. */
export const numbered = (message: Uint8Array, number: number): Uint8Array => {
  const bytes = message.slice()
  const view = new DataView(bytes.buffer)
  view.setUint32(transactionIdOffset, number)
  const fingerprintAt = bytes.length - Stun.attributeBytes(Stun.fingerprintBytes)
  if (fingerprintAt >= Stun.headerBytes && view.getUint16(fingerprintAt) === Stun.fingerprintType) {
    view.setUint32(fingerprintAt + Stun.attributeHeaderBytes, fingerprint(bytes, fingerprintAt))
  }
  return bytes
}

const vectors = JSON.parse(
  Fs.readFileSync(new URL("../vectors/control-messages.json", import.meta.url), "utf8")
) as ControlVectors

/** One of every kind, the devices' and the relays', whole, and signed by somebody this relay has never heard of. */
const foreignControl = vectors.messages.map(({ bytes, name }): Specimen => {
  const message = bytesOf(bytes)
  return { name, make: (number) => numbered(message, number) }
})

/** An Allocate request, RFC 8656 section 7.1: method 3, REQUESTED-TRANSPORT UDP. */
const allocate = Stun.appendFingerprint(
  Stun.appendAttribute(
    Stun.encodeHeader({ class: "request", method: 3, transactionId: new Uint8Array(12).fill(0x33) }),
    0x0019,
    Uint8Array.of(17, 0, 0, 0)
  )
)

const rtp = (ssrc: number, sequenceNumber: number) =>
  RtpHeader.encode({
    marker: false,
    payloadType: 111,
    sequenceNumber,
    timestamp: sequenceNumber * 960,
    ssrc,
    payload: new Uint8Array(60).fill(0x5a)
  })

/** A receiver report of one block, RFC 3550 section 6.4.2. */
export const receiverReport = (ssrc: number): Uint8Array => {
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  bytes.set([0x81, 201, 0, 7])
  view.setUint32(4, ssrc)
  view.setUint32(8, ssrc)
  return bytes
}

/** DTLS 1.2 ClientHello in one record, RFC 6347 section 4.2.2: no cookie, one cipher suite. */
const clientHello = (): Uint8Array => {
  const body = [0xfe, 0xfd, ...new Array<number>(32).fill(7), 0, 0, 0, 2, 0xc0, 0x2b, 1, 0]
  const handshake = [1, 0, 0, body.length, 0, 0, 0, 0, 0, 0, 0, body.length, ...body]
  return Uint8Array.of(22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, handshake.length, ...handshake)
}

/** The first bytes of a QUIC version 1 Initial, RFC 9000 section 17.2.2, padded as section 14.1 wants. */
const quicInitial = (): Uint8Array => {
  const bytes = new Uint8Array(1200)
  bytes.set([0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x9e])
  return bytes
}

/** ChannelData, RFC 8656 section 12.4: a channel, a length, what it carries. */
const channelData = (): Uint8Array => Uint8Array.of(0x40, 0, 0, 4, 1, 2, 3, 4)

/** A hop frame with an RTP packet, or with nothing behind its header. */
export const hopFrame = (
  type: HopFrame.FrameType,
  { epoch, legTag, ssrc }: Pick<Sender, "epoch" | "legTag" | "ssrc">,
  number: number
): Uint8Array => {
  const body = type === HopFrame.FrameType.Padding ? new Uint8Array(0) : rtp(ssrc, number & 0xffff)
  const bytes = new Uint8Array(HopFrame.headerBytes + body.length)
  const sequence = number & 0xffff
  HopFrame.writeHeader(
    new DataView(bytes.buffer),
    0,
    HopFrame.typeByte(type, 0),
    0,
    sequence,
    sequence,
    epoch & 0xff,
    legTag
  )
  bytes.set(body, HopFrame.headerBytes)
  return bytes
}

/** A feedback frame that asks for the last packets and a key frame. */
export const feedbackFrame = ({ epoch, legTag, ssrc }: Sender, number: number): Uint8Array => {
  const { bytes } = feedback(0, number & 0xffff, {
    requests: Array.from({ length: 16 }, (_, back) => (number - back) & 0xffff),
    keyFrames: [ssrc]
  })
  bytes[6] = epoch & 0xff
  new DataView(bytes.buffer).setUint32(8, legTag)
  return bytes
}

const transactionIdOf = (number: number): Uint8Array => {
  const id = new Uint8Array(Stun.transactionIdBytes).fill(0xd1)
  new DataView(id.buffer).setUint32(0, number)
  return id
}

/** What a device says, each signed anew. */
const ownControl = ({ cookie, epoch, legTag, token }: Sender): ReadonlyArray<Specimen> => {
  const signed = (name: string, message: (number: number) => ControlMessage.ControlMessage): Specimen => ({
    name: `own ${name}`,
    make: (number) => MessageIntegrity.sign(ControlMessage.encode(message(number)), token.key)
  })
  const common = (number: number) => ({ transactionId: transactionIdOf(number), counter: number })
  const join = (number: number): ControlMessage.JoinRequest => ({
    _tag: "JoinRequest",
    ...common(number),
    token: token.claimsBytes,
    legTag: 5,
    streams: []
  })
  const ticket = new Uint8Array(90).fill(0x77)
  return [
    signed("join", join),
    signed("join with the cookie", (number) => ({ ...join(number), cookie })),
    signed("resume", (number) => ({
      _tag: "ResumeRequest",
      ...common(number),
      ticket,
      legTag: 6,
      epoch: epoch & 0xff
    })),
    signed("resume with the cookie", (number) => ({
      _tag: "ResumeRequest",
      ...common(number),
      ticket,
      cookie,
      legTag: 6,
      epoch: epoch & 0xff
    })),
    signed("ping", (number) => ({ _tag: "PingRequest", ...common(number), legTag })),
    signed("subscribe", (number) => ({
      _tag: "SubscribeRequest",
      ...common(number),
      legTag,
      subscription: { version: number, wanted: [{ ssrc: number, place: "grid", heightPx: 180 }] }
    })),
    signed("leave of another", (number) => ({ _tag: "LeaveRequest", ...common(number), legTag: legTag ^ 1 })),
    signed("directive answer", (number) => ({ _tag: "DirectiveSuccess", ...common(number) }))
  ]
}

const ownFrames = (sender: Sender): ReadonlyArray<Specimen> => [
  ...Object.entries(HopFrame.FrameType).map(([name, type]) => ({
    name: `frame ${name}`,
    make: (number: number) => hopFrame(type, sender, number)
  })),
  { name: "frame Feedback with requests", make: (number) => feedbackFrame(sender, number) }
]

/** Of other protocols that meet ours on one port. */
const foreignProtocols = (ssrc: number): ReadonlyArray<Specimen> => [
  { name: "RTP", make: (number) => rtp(ssrc, number & 0xffff) },
  always("RTCP receiver report", receiverReport(ssrc)),
  { name: "TURN Allocate", make: (number) => numbered(allocate, number) },
  always("TURN ChannelData", channelData()),
  always("DTLS ClientHello", clientHello()),
  always("QUIC Initial", quicInitial()),
  always("nothing", new Uint8Array(0)),
  always("the largest", new Uint8Array(1500).fill(0xc8)),
  always("too large by one", new Uint8Array(1501).fill(0xc8)),
  // The most that UDP over IPv4 carries.
  always("65,507 bytes", new Uint8Array(65_507).fill(1))
]

/** Everything that `sender` can send, and what belongs to nobody. */
export const specimens = (sender: Sender): ReadonlyArray<Specimen> => [
  ...foreignControl,
  ...ownControl(sender),
  ...ownFrames(sender),
  ...foreignProtocols(sender.ssrc)
]
