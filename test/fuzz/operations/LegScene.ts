import * as Leg from "../../../src/media/Leg.ts"
import * as LegKind from "../../../src/media/LegKind.ts"
import * as PacketRing from "../../../src/media/PacketRing.ts"
import * as PacketRings from "../../../src/media/PacketRings.ts"
import * as ReceiveLeg from "../../../src/media/ReceiveLeg.ts"
import * as SendLeg from "../../../src/media/SendLeg.ts"
import * as StreamClock from "../../../src/media/StreamClock.ts"
import * as Feedback from "../../../src/protocol/Feedback.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as SequenceNumber from "../../../src/protocol/SequenceNumber.ts"
import * as DueQueue from "../../../src/sockets/DueQueue.ts"
import * as PacketBatch from "../../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"
import { hold, show } from "../Target.ts"

/** A frame on its way from one end to the other. */
export interface Frame {
  readonly from: End
  readonly bytes: Uint8Array
  /** Of the packet that a media frame carries; -1 of other frames. */
  readonly packet: number
}
export type End = "left" | "right"
export type Kind = "audio" | "video"
/** Of the hop. On a trunk every packet is of one of some calls. */
export type HopKind = keyof typeof LegKind.byName

/** What the network makes of a frame: the latency of each copy that arrives. Milliseconds. */
export type Passage = (frame: Frame, nowMs: number) => ReadonlyArray<number>

/** A packet that one end has sent. */
export interface Packet {
  readonly number: number
  readonly from: End
  readonly kind: Kind
  readonly bytes: Uint8Array
  readonly sentAtMs: number
  readonly repairSequence: number
  /** Leg tag that it has to arrive with. */
  readonly tag: number
  arrivedAtMs: number | undefined
}

interface Side {
  readonly leg: Leg.Leg
  readonly resources: Leg.LegResources
  readonly out: PacketBatch.SendBatch
  readonly clocks: Readonly<Record<Kind, StreamClock.StreamClock>>
  /** Repair sequences of packets that have arrived. Fewer are sent than there are numbers. */
  readonly received: Set<number>
  /** When its resends for this receiver were used up: nothing is sent again then. Milliseconds. */
  readonly exhaustedAtMs: Array<number>
}

export interface LegScene {
  readonly hop: LegKind.LegKind
  readonly sides: Readonly<Record<End, Side>>
  readonly packets: Array<Packet>
  /** All frames that have been sent, and those that have arrived, some of them more than once. */
  readonly frames: Array<Frame>
  readonly arrivals: Array<Frame>
  nowMs: number
}

/** A report has room for some requests of those for a large hole, and paddings that were missed come one with each poll. */
const pollsMaxOf = ({ gapMax, reportsMax }: LegKind.LegKind): number =>
  Math.ceil(gapMax / (Feedback.requestsMax * reportsMax)) + SendLeg.paddingsMax
const scratchBytes = 64 * 1024
const ringBytes = 4 << 20
const clockRates = { audio: 48_000, video: 90_000 }
const frameTypes = { audio: HopFrame.FrameType.Audio, video: HopFrame.FrameType.Video }
const callsOfTrunk = 7
/** As random as leg tags are: half of them need the highest of their 32 bits. */
const tagOfCall = (call: number): number => Math.imul(call + 3, 0x9e37_79b9) >>> 0
const otherEnd = (end: End): End => (end === "left" ? "right" : "left")

const makeSide = (kind: HopKind, receiveTag: number, sendTag: number, sequenceStart: number): Side => {
  const memory = PacketMemory.make({ receiveSlots: 1, ownerBytes: scratchBytes + 2 * ringBytes })
  const leg = Leg.make({
    receiveTag,
    sendTag,
    epoch: 0,
    address: new Uint32Array(PacketBatch.addressWords),
    repair: true,
    kind
  })
  const before = (sequenceStart - 1) & leg.kind.mask
  // As if so many packets had gone before, both ways.
  leg.receive.nacks.highest = before
  leg.send.lastRepair = before
  leg.send.nextHop = SequenceNumber.next(before, leg.kind.mask)
  leg.send.history.highest = before
  return {
    leg,
    resources: Leg.makeResources(
      PacketRings.make(memory, memory.ownerOffset + scratchBytes, {
        audioBytes: ringBytes,
        videoBytes: ringBytes
      })
    ),
    out: PacketBatch.makeSendBatch({ capacity: 1024, scratchOffset: memory.ownerOffset, scratchBytes }),
    clocks: {
      audio: StreamClock.make("audio", clockRates.audio),
      video: StreamClock.make("video", clockRates.video)
    },
    received: new Set(),
    exhaustedAtMs: []
  }
}

const viewOf = (frame: Uint8Array): DataView => new DataView(frame.buffer, frame.byteOffset, frame.byteLength)

/** The one that a frame has, or the last that its sender has given. */
export const repairSequenceOf = (frame: Uint8Array, { isTrunk }: LegKind.LegKind): number =>
  isTrunk ? HopFrame.wideRepairSequenceAt(viewOf(frame), 0) : HopFrame.repairSequenceAt(viewOf(frame), 0)

/** The repair sequences that a frame asks for. */
export const requestsOf = (frame: Uint8Array, { headerBytes, isTrunk }: LegKind.LegKind): ReadonlyArray<number> => {
  if (HopFrame.typeAt(frame, 0) !== HopFrame.FrameType.Feedback) return []
  const report = Feedback.make()
  const isRead = Feedback.read(viewOf(frame), headerBytes, frame.length - headerBytes, report, isTrunk)
  hold(isRead, "a leg reads what a leg has written")
  return Array.from(report.requests.subarray(0, report.requestCount))
}

/** How a side takes a frame in: `ReceiveLeg.handleFrame`, or something that is to be compared with it. */
export type Receive = typeof ReceiveLeg.handleFrame

/**
 * Two ends of one hop and a network between them that does what it is told, in virtual time. Everything that must hold at
 * every moment is checked here.
 */
export const make = (options: {
  readonly passage: Passage
  readonly receive: Receive
  readonly sequenceStart: number
  readonly kind: HopKind
}) => {
  const { kind: hopKind, passage, receive, sequenceStart } = options
  const sides = { left: makeSide(hopKind, 1, 2, sequenceStart), right: makeSide(hopKind, 2, 1, sequenceStart) }
  const hop = LegKind.byName[hopKind]
  const { headerBytes, shift } = hop
  const pollsMax = pollsMaxOf(hop)
  const scene: LegScene = { hop, sides, packets: [], frames: [], arrivals: [], nowMs: 1000 }
  const flying = DueQueue.make<Frame>()

  const checkRequests = (from: End, frame: Uint8Array) => {
    const { received } = sides[from]
    const given = sides[otherEnd(from)].leg.send.lastRepair
    for (const request of requestsOf(frame, hop)) {
      hold(!received.has(request), "nothing is asked for that has arrived", () => `${from} asks for ${request}`)
      hold(
        SequenceNumber.distance(request, given, shift) >= 0,
        "nothing is asked for that was never given",
        () => `${from} asks for ${request}, given ${given}`
      )
    }
  }

  const launch = (frame: Frame) => {
    for (const latencyMs of passage(frame, scene.nowMs)) DueQueue.add(flying, scene.nowMs + latencyMs, frame)
  }

  /** Sends what a side has put into its batch. */
  const flush = (from: End) => {
    const { exhaustedAtMs, leg, out, resources } = sides[from]
    if (leg.send.resendBudget === 0) exhaustedAtMs.push(scene.nowMs)
    hold(out.overflowed === 0, "a batch has room")
    for (let place = 0; place < out.count; place++) {
      const bytes = new Uint8Array(PacketBatch.packetBytes(out, place))
      PacketBatch.join(out, place, resources.rings.memory, bytes, 0)
      const type = HopFrame.typeAt(bytes, 0)
      checkRequests(from, bytes)
      const packet = HopFrame.isMedia(type) ? new DataView(bytes.buffer).getUint32(headerBytes) : -1
      const frame = { from, bytes, packet }
      scene.frames.push(frame)
      launch(frame)
    }
    PacketBatch.reset(out)
  }

  const arrive = (frame: Frame) => {
    const { bytes, from, packet: number } = frame
    scene.arrivals.push(frame)
    const to = otherEnd(from)
    const { leg, out, received, resources } = sides[to]
    const { bytes: memory, view } = resources.rings.memory
    memory.set(bytes)
    const verdict = receive(leg.receive, memory, view, 0, scene.nowMs)
    if (verdict === ReceiveLeg.Verdict.Control && HopFrame.typeAt(bytes, 0) === HopFrame.FrameType.Feedback) {
      hold(HopFrame.legTagAt(view, 0) === leg.receive.legTag, "feedback is the leg's and no call's")
      Leg.handleFeedback(leg, resources, headerBytes, bytes.length - headerBytes, scene.nowMs, out)
    } else if (verdict <= ReceiveLeg.Verdict.Jumped) {
      const packet = scene.packets[number]
      hold(packet !== undefined, "what arrives was sent", () => show(number))
      hold(packet.arrivedAtMs === undefined, "no packet arrives twice", () => `packet ${number}, to the ${to}`)
      hold(Buffer.compare(packet.bytes, bytes.subarray(headerBytes)) === 0, "a packet arrives as it was sent")
      hold(HopFrame.legTagAt(view, 0) === packet.tag, "a packet arrives with the tag of its call", () => show(number))
      packet.arrivedAtMs = scene.nowMs
      received.add(packet.repairSequence)
    }
    flush(to)
  }

  const poll = (end: End) => {
    const { leg, out, resources } = sides[end]
    let polls = 0
    for (; polls <= pollsMax && Leg.nextDeadlineMs(leg) <= scene.nowMs; polls++) {
      Leg.poll(leg, resources, scene.nowMs, out)
      flush(end)
    }
    hold(polls <= pollsMax, "what is due is done when it is polled", () => `${end}, at ${scene.nowMs} ms`)
  }

  const arriveDue = () => {
    for (let due = DueQueue.take(flying, scene.nowMs); due !== undefined; due = DueQueue.take(flying, scene.nowMs))
      arrive(due)
  }

  const deadlineMs = (): number => Math.min(Leg.nextDeadlineMs(sides.left.leg), Leg.nextDeadlineMs(sides.right.leg))

  return {
    scene,
    /** Sends a packet for the first time. */
    send: (from: End, kind: Kind, lengthBytes: number) => {
      const { clocks, leg, out, resources } = sides[from]
      const number = scene.packets.length
      const bytes = new Uint8Array(lengthBytes).fill(number)
      new DataView(bytes.buffer).setUint32(0, number)
      const timestamp = Math.round((scene.nowMs * clockRates[kind]) / 1000) >>> 0
      StreamClock.handlePacket(clocks[kind], timestamp, scene.nowMs)
      const ring = resources.rings[kind]
      const kept = PacketRing.storeBytes(ring, bytes, timestamp, clocks[kind], scene.nowMs)
      const type = HopFrame.typeByte(frameTypes[kind], 0)
      const tag = hop.isTrunk ? tagOfCall(number % callsOfTrunk) : leg.send.legTag
      SendLeg.sendPacketOn(leg.send, tag, ring, kept, type, 0, scene.nowMs, out)
      const { lastRepair: repairSequence } = leg.send
      const sentAtMs = scene.nowMs
      scene.packets.push({ number, from, kind, bytes, sentAtMs, repairSequence, tag, arrivedAtMs: undefined })
      flush(from)
    },
    /** Time passes, and everything happens when it is due. */
    pass: (forMs: number) => {
      const endMs = scene.nowMs + forMs
      while (true) {
        const nextMs = Math.min(DueQueue.nextMs(flying), deadlineMs())
        if (nextMs > endMs) break
        scene.nowMs = Math.max(scene.nowMs, nextMs)
        arriveDue()
        poll("left")
        poll("right")
      }
      scene.nowMs = endMs
    },
    /** Time passes, and nobody does anything: both processes stand still. */
    stall: (forMs: number) => {
      scene.nowMs += forMs
    },
    /** A frame that has arrived arrives once more. Of those from far outside two in a row would be believed: StrayNumber. */
    replay: (frame: Frame) => {
      const { lastRepair } = sides[frame.from].leg.send
      const isNear = SequenceNumber.distance(repairSequenceOf(frame.bytes, hop), lastRepair, shift) <= hop.gapMax
      if (isNear) DueQueue.add(flying, scene.nowMs, frame)
    },
    isQuiet: () => deadlineMs() === Infinity
  }
}
