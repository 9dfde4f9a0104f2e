import { assert } from "@effect/vitest"
import { Clock, Effect, Result, Stream } from "effect"
import * as CallToken from "../../src/access/CallToken.ts"
import * as KeyRing from "../../src/access/KeyRing.ts"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as SendingStream from "../../src/client/streams/SendingStream.ts"
import * as KeyFrameRequest from "../../src/media/KeyFrameRequest.ts"
import * as Leg from "../../src/media/Leg.ts"
import * as PacketRings from "../../src/media/PacketRings.ts"
import * as ReceiveLeg from "../../src/media/ReceiveLeg.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import { messageKinds } from "../../src/protocol/MessageKinds.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import type { Subscription } from "../../src/protocol/SubscriptionAttribute.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as DatagramNetwork from "../../src/sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../src/sockets/PacketMemory.ts"

const ring = KeyRing.make({ keys: [{ id: "k1", secret: new Uint8Array(32).fill(7) }] })

/** Of ada in call "c", good until `expiresAtSeconds`. */
export const tokenUntil = (expiresAtSeconds: number): CallToken.CallToken =>
  CallToken.mint(ring, {
    callClass: "group-video",
    call: CallId.make("c"),
    participant: ParticipantId.make("ada"),
    expiresAtSeconds
  })

export const token = tokenUntil(3600)

export type Request =
  | ControlMessage.JoinRequest
  | ControlMessage.ResumeRequest
  | ControlMessage.PingRequest
  | ControlMessage.SubscribeRequest
  | ControlMessage.LeaveRequest

type Addressing = "transactionId" | "legTag"
type Directive =
  | Omit<ControlMessage.RosterDirective, Addressing>
  | Omit<ControlMessage.VideoDirective, Addressing>
  | Omit<ControlMessage.ExtrasDirective, Addressing>
  | Omit<ControlMessage.GoingAwayDirective, Addressing>

export interface FakeRelay {
  readonly address: string
  /** What the device has asked, in order. */
  readonly requests: Array<{ readonly atMs: number; readonly source: string; readonly message: Request }>
  /** Counters of the directives that the device has answered, in order. */
  readonly acknowledged: Array<number>
  /** Media packets, each once. */
  readonly packets: Array<
    RtpHeader.RtpPacket & { readonly type: number; readonly descriptor: number; readonly atMs: number }
  >
  readonly behaviour: Behaviour
  /** What the device has told that it wants to see, since the last grant. */
  subscription: Subscription | undefined
  /** The leg to the device; as long as there is none, it is not in the call. */
  hop: Leg.Leg | undefined
  /** Somebody in front of the device needs a key frame of it. */
  readonly askForKeyFrame: (ssrc: number) => void
  /** The device needs a key frame of somebody. */
  onKeyFrameRequest: (ssrc: number) => void
  /** Of the present session and a new transaction, unless told otherwise. */
  readonly direct: (
    directive: Directive,
    addressing?: Partial<Pick<ControlMessage.RosterDirective, Addressing>>
  ) => Effect.Effect<void>
  /** A packet of another participant. */
  readonly sendMedia: (from: SendingStream.SendingStream, packet: SendingStream.OutgoingPacket) => Effect.Effect<void>
  readonly sendBytes: (bytes: Uint8Array, to: string) => Effect.Effect<void>
}

interface Behaviour {
  /** It hears nothing and says nothing. */
  isDead: boolean
  asksForCookie: boolean
  relays: ReadonlyArray<string>
  /** The answer to a request, if it is not the usual one; "none" for no answer. All but challenges are signed. */
  instead: (request: Request) => ControlMessage.ControlMessage | Uint8Array | "none" | undefined
}

const addressOf = (text: string) => Result.getOrThrow(PackedAddress.parse(text))

/** Proves an address, to a fake relay. */
const cookieOf = (source: Uint32Array) => new Uint8Array(new Uint32Array([source[0]!, source[4]!, 0x6b6f6f6c]).buffer)

/** A relay with one device: real hop machinery, and a script for everything else. */
export const make = Effect.fnUntraced(function* (host: string, { key } = token, portNumber = 3478) {
  const network = yield* DatagramNetwork.DatagramNetwork
  const clock = yield* Clock.Clock
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const scratchBytes = 1 << 16
  const memory = PacketMemory.make({ receiveSlots: 64, ownerBytes: 3 * scratchBytes + (4 << 20) })
  const batch = (index: number) =>
    PacketBatch.makeSendBatch({ capacity: 256, scratchOffset: memory.ownerOffset + index * scratchBytes, scratchBytes })
  const batches = { answers: batch(0), timers: batch(1), script: batch(2) }
  const ringsOffset = memory.ownerOffset + 3 * scratchBytes
  const resources: Leg.LegResources = Leg.makeResources(
    PacketRings.make(memory, ringsOffset, { audioBytes: 1 << 20, videoBytes: 3 << 20 })
  )
  const port = yield* network.open({ host, port: portNumber, memory })
  const given = new Map<string, Uint8Array>()
  let epoch = 0
  let directives = 0
  let legTag = 0x7000_0000 + (host.codePointAt(host.length - 1) ?? 0) * 0x1000

  const grant = (request: ControlMessage.JoinRequest | ControlMessage.ResumeRequest, source: Uint32Array) => {
    epoch = request._tag === "ResumeRequest" ? request.epoch + 1 : 1
    const address = source
    relay.subscription = undefined
    relay.hop = Leg.make({ receiveTag: ++legTag, sendTag: request.legTag, epoch, address, repair: true })
    return {
      transactionId: request.transactionId,
      ticket: Uint8Array.of(1, 2, 3, epoch),
      legTag,
      epoch,
      mappedAddress: source,
      relays: relay.behaviour.relays,
      relayTimeMs: 0
    }
  }

  const challenge = ({ _tag, transactionId }: Request, source: Uint32Array): ControlMessage.Challenge => ({
    _tag: "Challenge",
    method: messageKinds[_tag].method,
    transactionId,
    error: { code: 438, reason: "again, with the cookie" },
    cookie: cookieOf(source)
  })

  const answerTo = (request: Request, source: Uint32Array): ControlMessage.ControlMessage | undefined => {
    const { transactionId } = request
    const hasProved = "cookie" in request && request.cookie?.join() === cookieOf(source).join()
    switch (request._tag) {
      case "JoinRequest":
        if (relay.behaviour.asksForCookie && !hasProved) return challenge(request, source)
        return { _tag: "JoinSuccess", ...grant(request, source) }
      case "ResumeRequest":
        if (relay.behaviour.asksForCookie && !hasProved) return challenge(request, source)
        return { _tag: "ResumeSuccess", ...grant(request, source) }
      case "PingRequest": {
        if (request.legTag === undefined) return challenge(request, source)
        if (relay.hop?.receive.legTag !== request.legTag) return undefined
        const { address } = relay.hop.send
        if (!PackedAddress.equals(address, 0, source, 0) && !hasProved) return challenge(request, source)
        PackedAddress.copy(source, 0, address, 0)
        return {
          _tag: "PingSuccess",
          transactionId,
          mappedAddress: source,
          relays: relay.behaviour.relays,
          ...(relay.subscription && { subscriptionVersion: relay.subscription.version })
        }
      }
      case "SubscribeRequest": {
        if (relay.hop?.receive.legTag !== request.legTag) return undefined
        const isHome = PackedAddress.equals(relay.hop.send.address, 0, source, 0)
        if (!isHome && !hasProved) return challenge(request, source)
        const known = relay.subscription?.version ?? -1
        if (request.subscription.version > known) relay.subscription = request.subscription
        return { _tag: "SubscribeSuccess", transactionId, subscriptionVersion: relay.subscription!.version }
      }
      case "LeaveRequest":
        relay.hop = undefined
        return { _tag: "LeaveSuccess", transactionId }
    }
  }

  const finish = (message: ControlMessage.ControlMessage) =>
    message._tag === "Challenge"
      ? Stun.appendFingerprint(ControlMessage.encode(message))
      : MessageIntegrity.sign(ControlMessage.encode(message), key)

  const handleControl = (bytes: Uint8Array, source: Uint32Array) => {
    const { integrity, message } = Result.getOrThrow(ControlMessage.decode(bytes))
    assert.isTrue(MessageIntegrity.verify(bytes, integrity!, key), `${message._tag} is signed`)
    if (message._tag === "DirectiveSuccess") {
      relay.acknowledged.push(message.counter)
      return
    }
    const request = message as Request
    relay.requests.push({ atMs: nowMs(), source: PackedAddress.format(source), message: request })
    const id = request.transactionId.join()
    const answer = given.get(id) ?? relay.behaviour.instead(request) ?? answerTo(request, source)
    if (answer === undefined || answer === "none") return
    const answerBytes = answer instanceof Uint8Array ? answer : finish(answer)
    // What is repeated because its answer was lost is answered the same, and not carried out twice.
    if (!(answer instanceof Uint8Array) && answer._tag.endsWith("Success")) given.set(id, answerBytes)
    PacketBatch.addBytes(batches.answers, memory, answerBytes, source, 0)
  }

  const handleFrame = (offset: number, length: number, source: Uint32Array) => {
    const { hop } = relay
    if (hop === undefined || HopFrame.legTagAt(memory.view, offset) !== hop.receive.legTag) return
    // As the real one: a session moves only by a ping that proves the address.
    if (!PackedAddress.equals(hop.send.address, 0, source, 0)) return
    const type = HopFrame.typeAt(memory.bytes, offset)
    const body = offset + HopFrame.headerBytes
    const bodyBytes = length - HopFrame.headerBytes
    const verdict = ReceiveLeg.handleFrame(hop.receive, memory.bytes, memory.view, offset, nowMs())
    if (type === HopFrame.FrameType.Feedback) {
      assert.isTrue(Leg.handleFeedback(hop, resources, body, bodyBytes, nowMs(), batches.answers))
      const { keyFrameCount, keyFrameSsrcs } = resources.report
      for (let i = 0; i < keyFrameCount; i++) relay.onKeyFrameRequest(keyFrameSsrcs[i]!)
    } else if (verdict <= ReceiveLeg.Verdict.Jumped) {
      const packet = Result.getOrThrow(RtpHeader.decode(memory.bytes.slice(body, body + bodyBytes)))
      relay.packets.push({ ...packet, type, descriptor: HopFrame.descriptorAt(memory.bytes, offset), atMs: nowMs() })
    }
  }

  const relay: FakeRelay = {
    address: PackedAddress.format(port.address),
    requests: [],
    acknowledged: [],
    packets: [],
    behaviour: { isDead: false, asksForCookie: true, relays: [], instead: () => undefined },
    subscription: undefined,
    hop: undefined,
    askForKeyFrame: (ssrc) => {
      const request = KeyFrameRequest.make(ssrc)
      KeyFrameRequest.handleRequest(request)
      relay.hop!.keyFrames.push(request)
    },
    onKeyFrameRequest: () => {},
    direct: (directive, addressing) =>
      Effect.suspend(() => {
        const { address, legTag } = relay.hop!.send
        const transactionId = new Uint8Array(12).fill(++directives)
        const bytes = finish({ ...directive, transactionId, legTag, ...addressing })
        return relay.sendBytes(bytes, PackedAddress.format(address))
      }),
    sendMedia: (from, packet) =>
      Effect.suspend(() => {
        SendingStream.send(from, packet, relay.hop!.send, resources.rings, nowMs(), batches.script)
        return port.send(batches.script)
      }),
    sendBytes: (bytes, to) =>
      Effect.suspend(() => {
        PacketBatch.addBytes(batches.script, memory, bytes, addressOf(to), 0)
        return port.send(batches.script)
      })
  }

  yield* DatagramNetwork.batches(port).pipe(
    Stream.runForEachArray(([batch]) => {
      for (let i = 0; i < batch.count && !relay.behaviour.isDead; i++) {
        const offset = batch.offsets[i]!
        const length = batch.lengths[i]!
        const source = PackedAddress.take(batch.addresses, i)
        if (Stun.isControl(memory.bytes[offset]!)) handleControl(memory.bytes.slice(offset, offset + length), source)
        else handleFrame(offset, length, source)
      }
      return port.send(batches.answers)
    }),
    Effect.ignore,
    Effect.forkScoped
  )
  yield* Effect.suspend(() => {
    if (relay.hop !== undefined && !relay.behaviour.isDead) {
      Leg.poll(relay.hop, resources, nowMs(), batches.timers)
    }
    return port.send(batches.timers)
  }).pipe(Effect.andThen(Effect.sleep("5 millis")), Effect.forever, Effect.forkScoped)
  return relay
})
