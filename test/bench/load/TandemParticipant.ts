import { Result } from "effect"
import * as CallToken from "../../../src/access/CallToken.ts"
import * as KeyRing from "../../../src/access/KeyRing.ts"
import * as MessageIntegrity from "../../../src/access/MessageIntegrity.ts"
import * as ArrivalRecorder from "../../../src/media/ArrivalRecorder.ts"
import * as Leg from "../../../src/media/Leg.ts"
import * as SendLeg from "../../../src/media/SendLeg.ts"
import * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import * as Feedback from "../../../src/protocol/Feedback.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import { CallId, ParticipantId } from "../../../src/protocol/Ids.ts"
import * as SequenceNumber from "../../../src/protocol/SequenceNumber.ts"
import { StreamDescription } from "../../../src/protocol/StreamDescription.ts"
import * as Stun from "../../../src/protocol/Stun.ts"
import type { Participant, Place } from "./Participant.ts"
import * as Requests from "./Requests.ts"
import type { Wires } from "./Wire.ts"

/** The fleet's one key, as the relay's key file and the minting of tokens have it. */
export const fleetKey = { id: "bench", secret: new Uint8Array(KeyRing.secretBytes).fill(7) }
const ring = KeyRing.make({ keys: [fleetKey] })

/** Of a token. A run of the benchmark is over sooner. Seconds. */
const expiresInSeconds = 3600
/** A device shows that it is there this often while no media does. Milliseconds. */
const pingMs = 5000

type Message = ControlMessage.ControlMessage

const decode = (datagram: Uint8Array): Message => Result.getOrThrow(ControlMessage.decode(datagram)).message

let transactions = 0
const newTransactionId = (): Uint8Array => {
  const id = new Uint8Array(Stun.transactionIdBytes)
  new DataView(id.buffer).setUint32(0, ++transactions)
  return id
}
/** Tags need not be hard to guess here. */
let tags = 0

const mint = ({ call, callSize, kind, participant }: Place): CallToken.CallToken =>
  CallToken.mint(ring, {
    callClass: `${callSize > 2 ? "group" : "one-to-one"}-${kind}`,
    call: CallId.make(call),
    participant: ParticipantId.make(participant),
    expiresAtSeconds: Math.floor(Date.now() / 1000) + expiresInSeconds
  })

const streamOf = ({ kind, ssrc }: Place): StreamDescription =>
  kind === "audio"
    ? new StreamDescription({ ssrc, kind, clockRate: 48_000, codec: "opus" })
    : new StreamDescription({ ssrc, kind, clockRate: 90_000, codec: "VP8" })

/** Feedback is put together here, one after another. */
const feedbackBytes = new Uint8Array(Feedback.frameBytesMax)
const feedbackView = new DataView(feedbackBytes.buffer)
const report = Feedback.make()

/**
 * A device that costs its process next to nothing: the real handshake, pings, acknowledgements, frames and feedback. It
 * keeps no packets, so it asks for nothing and sends nothing again.
 */
export const open = async (place: Place, { inbox, open }: Wires): Promise<Participant> => {
  const wire = await open(place.relay)
  const requests = Requests.make(wire)
  const token = mint(place)
  const streams = [streamOf(place)]
  const receiveTag = ++tags
  const arrivals = ArrivalRecorder.make()
  const isVideo = place.kind === "video"
  const mediaType = HopFrame.typeByte(isVideo ? HopFrame.FrameType.Video : HopFrame.FrameType.Audio, 0)
  let sendTag = 0
  let epoch = 0
  let counter = 0
  let nextHop = 0
  let lastRepair = SequenceNumber.mask
  let lastMediaAtMs = -Infinity
  let dueMs = Infinity

  const sign = (message: Message) => MessageIntegrity.sign(ControlMessage.encode(message), token.key)

  /** Fails when the answer is another than this. */
  const ask = async <Tag extends Message["_tag"]>(
    request: Message,
    tag: Tag
  ): Promise<Extract<Message, { readonly _tag: Tag }>> => {
    const datagram = await requests.ask(
      sign(request),
      request._tag,
      (datagram) => Buffer.compare(decode(datagram).transactionId, request.transactionId) === 0
    )
    const answer = decode(datagram)
    if (answer._tag === tag) return answer as Extract<Message, { readonly _tag: Tag }>
    const why = answer._tag === "Refused" ? answer.error.reason : answer._tag
    throw new Error(`the relay's answer is no ${tag}: ${why}`)
  }

  const handleControl = (datagram: Uint8Array): void => {
    const message = decode(datagram)
    if (message._tag === "RosterDirective") {
      const { counter, transactionId } = message
      wire.send(sign({ _tag: "DirectiveSuccess", transactionId, counter }))
    } else requests.take(datagram)
  }

  const joinRequest = (cookie?: Uint8Array): ControlMessage.JoinRequest => ({
    _tag: "JoinRequest",
    transactionId: newTransactionId(),
    token: token.claimsBytes,
    counter: ++counter,
    legTag: receiveTag,
    streams,
    ...(cookie && { cookie })
  })

  const inSession = () => ({ transactionId: newTransactionId(), legTag: sendTag, counter: ++counter })

  const writeFrameHeader = (view: DataView, offset: number, type: number, descriptor: number): void => {
    HopFrame.writeHeader(view, offset, type, descriptor, nextHop, lastRepair, epoch, sendTag)
    nextHop = SequenceNumber.next(nextHop)
  }

  const sendFeedback = (nowMs: number): void => {
    report.requestCount = 0
    report.keyFrameCount = 0
    ArrivalRecorder.fillReport(arrivals, report)
    writeFrameHeader(feedbackView, 0, HopFrame.typeByte(HopFrame.FrameType.Feedback, 0), 0)
    const bytesMax = Feedback.frameBytesMax - HopFrame.headerBytes
    const ticks = ArrivalRecorder.toTicks(nowMs)
    const length = Feedback.write(feedbackView, HopFrame.headerBytes, bytesMax, report, ticks)
    ArrivalRecorder.markReported(arrivals, report.arrivalCount)
    wire.send(feedbackBytes.subarray(0, HopFrame.headerBytes + length))
  }

  const self: Participant = {
    sending: wire,
    address: wire.address,
    headerBytes: HopFrame.headerBytes,
    onPacket: () => {},
    join: async () => {
      const { cookie } = await ask(joinRequest(), "Challenge")
      const granted = await ask(joinRequest(cookie), "JoinSuccess")
      sendTag = granted.legTag
      epoch = granted.epoch
      // Not all in the same moment.
      dueMs = performance.now() + Math.random() * Leg.feedbackMs
    },
    writeHeader: (view, offset, _packetBytes, place, nowMs) => {
      lastMediaAtMs = nowMs
      lastRepair = SequenceNumber.next(lastRepair)
      writeFrameHeader(view, offset, mediaType, isVideo ? place : HopFrame.audioLevelUnknown)
    },
    poll: (nowMs) => {
      if (nowMs < dueMs) return
      if (nowMs - lastMediaAtMs < SendLeg.quietAfterMs) {
        dueMs = nowMs + Leg.feedbackMs
        sendFeedback(nowMs)
      } else {
        dueMs = nowMs + pingMs
        wire.send(sign({ _tag: "PingRequest", ...inSession() }))
      }
    },
    leave: async () => void (await ask({ _tag: "LeaveRequest", ...inSession() }, "LeaveSuccess"))
  }
  wire.onDatagram = (offset, end, nowMs) => {
    const { bytes, view } = inbox
    if (bytes[offset]! < HopFrame.firstByteMin) return handleControl(bytes.slice(offset, end))
    ArrivalRecorder.handleFrame(arrivals, HopFrame.hopSequenceAt(view, offset), nowMs)
    if (!HopFrame.isMedia(HopFrame.typeAt(bytes, offset))) return
    lastMediaAtMs = nowMs
    self.onPacket(offset + HopFrame.headerBytes, end, nowMs)
  }
  return self
}
