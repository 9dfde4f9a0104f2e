import { Effect, Queue, Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as MessageIntegrity from "../../../src/access/MessageIntegrity.ts"
import { type HandOut, settle } from "../../../src/client/JoinOptions.ts"
import { SecureBytes } from "../../../src/client/SecureBytes.ts"
import * as CallCore from "../../../src/client/session/CallCore.ts"
import * as ControlInbound from "../../../src/client/session/ControlInbound.ts"
import * as MediaInbound from "../../../src/client/session/MediaInbound.ts"
import * as Pings from "../../../src/client/session/Pings.ts"
import * as Session from "../../../src/client/session/Session.ts"
import type { ReceivedPacket } from "../../../src/client/streams/ReceivedPacket.ts"
import * as ReceivingStreams from "../../../src/client/streams/ReceivingStreams.ts"
import * as SendingStream from "../../../src/client/streams/SendingStream.ts"
import * as Leg from "../../../src/media/Leg.ts"
import * as PacketRings from "../../../src/media/PacketRings.ts"
import type { WithheldPackets } from "../../../src/media/WithheldPackets.ts"
import * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import * as Feedback from "../../../src/protocol/Feedback.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import * as Stun from "../../../src/protocol/Stun.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"
import * as FakeRelay from "../../client/FakeRelay.ts"
import * as Scene from "../../client/Scene.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as ClientDraft from "./ClientDraft.ts"

const { key } = FakeRelay.token
const addressOf = (host: string) => Result.getOrThrow(PackedAddress.parse(`${host}:3478`))
const relayAddress = addressOf(Scene.relayA)
const addresses = { relay: relayAddress, stranger: relayAddress, eve: addressOf("198.51.100.66") }
const scratchBytes = 32 * 1024
const ringBytes = 256 * 1024

/** Memory and batches, as a port of a device has them. */
const makeMemory = (withheld?: WithheldPackets) => {
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: scratchBytes + 2 * ringBytes })
  const rings = PacketRings.make(memory, memory.ownerOffset + scratchBytes, {
    audioBytes: ringBytes,
    videoBytes: ringBytes
  })
  return {
    resources: Leg.makeResources(rings, withheld),
    out: PacketBatch.makeSendBatch({ capacity: 256, scratchOffset: memory.ownerOffset, scratchBytes }),
    received: PacketBatch.makePacketBatch(1)
  }
}
type Memory = ReturnType<typeof makeMemory>

const taken = ({ out, resources }: Memory): ReadonlyArray<Uint8Array> => {
  const datagrams = Dice.many(out.count, (place) => {
    const bytes = new Uint8Array(PacketBatch.packetBytes(out, place))
    PacketBatch.join(out, place, resources.rings.memory, bytes, 0)
    const isToRelay = PackedAddress.equals(out.addresses, place, addresses.relay, 0)
    hold(isToRelay, "nothing is sent but to the relay", () => PackedAddress.format(out.addresses, place))
    return bytes
  })
  PacketBatch.reset(out)
  return datagrams
}

/** The synchronous part of a client between its port and its application. */
const makeClient = (handOut: HandOut) => {
  const draw = Dice.ofCase(0, "client", 0)
  const secureBytes = (size: number) => Dice.bytes(draw, size)
  const settings = Result.getOrThrow(settle(Scene.optionsOf([Scene.relayA]), handOut, secureBytes))
  const core = Effect.runSync(Effect.provideService(CallCore.make(settings), SecureBytes, secureBytes))
  const memory = makeMemory(core.withheld.packets)
  let sessions = 0
  const start = (nowMs: number) => {
    const granted: ControlMessage.JoinSuccess = {
      _tag: "JoinSuccess",
      transactionId: new Uint8Array(12),
      ticket: Uint8Array.of(1),
      legTag: 7000 + sessions,
      epoch: ++sessions,
      mappedAddress: Result.getOrThrow(PackedAddress.parse(Scene.device)),
      relays: [],
      relayTimeMs: 0
    }
    const session = Session.make({ granted, relay: addresses.relay, receiveTag: 8000 + sessions, repair: true, nowMs })
    CallCore.startSession(core, session)
    return session
  }
  const receive = (bytes: Uint8Array, source: Uint32Array, nowMs: number) => {
    const { out, received, resources } = memory
    const slot = resources.rings.memory
    slot.bytes.set(bytes)
    received.lengths[0] = bytes.length
    received.addresses.set(source)
    const first = bytes[0] ?? HopFrame.firstByteMin - 1
    if (first >= HopFrame.firstByteMin) MediaInbound.handle(core, resources, received, 0, nowMs, out)
    else if (Stun.isControl(first)) {
      ControlInbound.handle(core, { bytes: slot.bytes.subarray(0, bytes.length), source }, slot, nowMs, out)
    }
    Leg.poll(core.sessions[0]!.hop, resources, nowMs, out)
    const ready: Array<ReceivedPacket> = []
    ReceivingStreams.poll(core.receiving, nowMs, ready)
    CallCore.deliver(core, ready)
  }
  return { core, memory, start, receive }
}

/** What a datagram that proves nothing must not change. */
const stateOf = ({ handovers, liveness, receiving, rosterPages, sessions }: CallCore.CallCore): string =>
  show({
    sessions: sessions.map(({ hop, lastControlAtMs, mappedAddress }) => {
      const { arrivals, lastFrameAtMs, nacks } = hop.receive
      return [arrivals.highest, lastFrameAtMs, nacks.highest, hop.send.packetsResent, lastControlAtMs, ...mappedAddress]
    }),
    streams: [...receiving.bySsrc.keys()],
    held: receiving.held.length,
    roster: rosterPages.version,
    suspicion: liveness.suspicion,
    handovers: Queue.sizeUnsafe(handovers)
  })

/** Frames are believed from the relay's address, messages with the participant's key; but who asks for a cookie need not prove it. */
const provesNothing = ({ from, kind }: ClientDraft.Datagram): boolean =>
  (from === "eve" && kind === "frame") || (from === "stranger" && kind === "control")

/** Direct answers to one datagram: its acknowledgement or a ping with a cookie, resends, a report. */
const answersMax = 1 + Feedback.requestsMax + 2
/** The packets that wait for their stream, and one that is waited for. */
const heldMax = 1024

const rosterBytes = (legTag: number, counter: number, entry: ReturnType<typeof Scene.lin>["entry"]): Uint8Array =>
  MessageIntegrity.sign(
    ControlMessage.encode({
      ...Scene.rosterOf(1, [entry], counter),
      legTag,
      transactionId: new Uint8Array(12).fill(counter)
    }),
    key
  )

const audioPackets = 10
const playoutMsMax = 400

/** On a new session everything is as it should be, whatever has come on the one before. */
const checkAlive = ({ core, memory, receive, start }: ReturnType<typeof makeClient>, startMs: number): void => {
  let nowMs = startMs
  const session = start(nowMs)
  const relay = makeMemory()
  const hop = Leg.make({
    receiveTag: session.hop.send.legTag,
    sendTag: session.hop.receive.legTag,
    epoch: session.epoch,
    address: addresses.relay,
    repair: true
  })
  const other = Scene.lin(7)
  receive(rosterBytes(session.hop.receive.legTag, 1, other.entry), addresses.relay, nowMs)
  taken(memory)
  heardFrom(core, other.audio.stream.ssrc)
  for (let number = 0; number < audioPackets; number++) {
    nowMs += 20
    SendingStream.send(other.audio, Scene.audioPacket(number), hop.send, relay.resources.rings, nowMs, relay.out)
    for (const bytes of taken(relay)) receive(bytes, addresses.relay, nowMs)
    taken(memory)
  }
  // The first packet waits for its playout time.
  receive(new Uint8Array(0), relayAddress, nowMs + playoutMsMax)
  const heard = heardFrom(core, other.audio.stream.ssrc)
  const expected = Dice.many(audioPackets, (number) => Scene.audioPacket(number).payload)
  hold(isDeepStrictEqual(heard, expected), "a client still hears", () => show(heard))
}

/** The payloads of one stream that wait for the application. */
const heardFrom = (core: CallCore.CallCore, ssrc: number): ReadonlyArray<Uint8Array> => {
  const inOrder = Effect.runSync(Queue.clear(core.packets)).filter((packet) => packet.ssrc === ssrc)
  const whole = Effect.runSync(Queue.clear(core.wholePackets)).filter(({ stream }) => stream.ssrc === ssrc)
  return [
    ...inOrder.map(({ payload }) => payload),
    ...whole.map(({ bytes }) => bytes.subarray(RtpHeader.headerBytesOf(bytes)))
  ]
}

interface Case {
  readonly handOut: HandOut
  readonly datagrams: ReadonlyArray<ClientDraft.Datagram>
}

const check = ({ datagrams, handOut }: Case): void => {
  const client = makeClient(handOut)
  const { core, memory, receive, start } = client
  const session = start(0)
  receive(rosterBytes(session.hop.receive.legTag, 1, Scene.lin(1).entry), addresses.relay, 0)
  taken(memory)
  let nowMs = 1
  const isChangedBy = ({ from }: ClientDraft.Datagram, bytes: Uint8Array): boolean => {
    // What is due by now has nothing to do with the datagram.
    receive(new Uint8Array(0), relayAddress, nowMs)
    const before = stateOf(core)
    receive(bytes, addresses[from], nowMs)
    return stateOf(core) !== before
  }
  for (const datagram of datagrams) {
    // A ping now and then, so that there is something to be answered.
    if (core.transactions.open.size === 0) Pings.send(core, session, memory.resources.rings.memory, nowMs, memory.out)
    const ping = taken(memory).find((bytes) => Stun.isControl(bytes[0]!))
    const transactionId = ping?.slice(8, 20) ?? new Uint8Array(12).fill(7)
    const { legTag } = session.hop.receive
    const truth = {
      legTag,
      epoch: session.epoch,
      nextHop: 0,
      lastRepair: session.hop.receive.nacks.highest,
      transactionId
    }
    const bytes = ClientDraft.bytesOf(datagram, truth)
    const isChanged = isChangedBy(datagram, bytes)
    hold(!isChanged || !provesNothing(datagram), "what proves nothing changes nothing", () => show(datagram))
    const answers = taken(memory)
    hold(answers.length <= answersMax, "a datagram is not multiplied", () => `${answers.length} answers`)
    hold(core.receiving.held.length <= heldMax, "what waits for its stream is bounded", () =>
      show(core.receiving.held.length)
    )
    hold(core.transactions.open.size <= 8, "open requests are few", () => show(core.transactions.open.size))
    hold(!core.hasEnded, "nothing that is received ends a call")
    nowMs += datagram.thenMs
    if (!datagram.again) continue
    hold(!isChangedBy(datagram, bytes), "what comes a second time changes nothing", () => show(datagram))
    taken(memory)
  }
  hold(core.sessions.length === 1, "nothing that is received makes a session", () => show(core.sessions.length))
  checkAlive(client, nowMs)
}

export const target = define<Case>({
  name: "client-inbound",
  about: "what a client's port receives: nothing throws, answers go to the relay alone, nothing grows, media goes on",
  smokeCases: 60,
  draw: (draw) => ({
    handOut: Dice.chance(draw, 0.7) ? "inOrder" : "whole",
    datagrams: Dice.many(Dice.integer(draw, 1, 60), () => ClientDraft.drawDatagram(draw))
  }),
  check,
  *smaller(input) {
    for (const datagrams of Smaller.lists(input.datagrams)) yield { ...input, datagrams }
  },
  show: ({ datagrams, handOut }) =>
    [`packets ${handOut}`, ...datagrams.map((datagram) => JSON.stringify(datagram))].join("\n")
})
