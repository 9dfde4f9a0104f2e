import * as Leg from "../../../src/media/Leg.ts"
import * as LegTable from "../../../src/pipeline/LegTable.ts"
import * as RelayLeg from "../../../src/pipeline/RelayLeg.ts"
import * as RelayStream from "../../../src/pipeline/RelayStream.ts"
import * as FecFrame from "../../../src/protocol/FecFrame.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import { CallId, ParticipantId } from "../../../src/protocol/Ids.ts"
import { StreamDescription } from "../../../src/protocol/StreamDescription.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Relay from "../../pipeline/RelayHarness.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import { addressOf, type Datagram, drawSteps, inFirstCall, participants, type Step } from "./ForwardingDraft.ts"

const { FrameType } = HopFrame
const isMember = (leg: number): boolean => Number.isInteger(leg) && leg >= 0 && leg < participants
const isSameCall = (a: number, b: number): boolean => a < inFirstCall === b < inFirstCall

/** The relay of the harness with a second call. */
const makeRelay = () => {
  const relay = Relay.make(inFirstCall)
  const others = Array.from({ length: participants - inFirstCall }, (_, place) => {
    const n = inFirstCall + place
    return RelayLeg.make({
      call: CallId.make("other call"),
      participant: ParticipantId.make(`p${n}`),
      streams: [
        new StreamDescription({ ssrc: Relay.audioSsrc(n), kind: "audio", clockRate: 48000, codec: "opus" }),
        new StreamDescription({ ssrc: Relay.videoSsrc(n), kind: "video", clockRate: 90000, codec: "vp8" })
      ],
      receiveTag: Relay.tagOf(n),
      sendTag: n + 1,
      epoch: 1,
      address: Relay.addressOf(n),
      repair: true,
      startBps: 1e9
    })
  })
  for (const leg of others) {
    LegTable.add(relay.forwarding.legs, leg)
    leg.sources = others.filter((other) => other !== leg)
    for (const stream of leg.streams) RelayStream.route(stream, leg.sources, true, 0)
  }
  return { ...relay, legs: [...relay.legs, ...others] }
}
type RelayOfTwoCalls = ReturnType<typeof makeRelay>

/** What the check remembers of one leg. */
interface Seen {
  readonly from: number
  /** Bodies of media that the participant has sent with its own tag from its own address. */
  readonly sent: Set<string>
  /** By repair sequence: the body that went out under it. */
  readonly given: Map<number, string>
  nextHop: number
  resends: number
}

const bodyOf = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(HopFrame.headerBytes)).toString("latin1")

/** Whether the relay may believe who has sent it. */
const isAuthentic = ({ bytes, from }: Datagram): boolean =>
  bytes.length >= HopFrame.headerBytes &&
  bytes[0]! >= HopFrame.firstByteMin &&
  isMember(from) &&
  HopFrame.legTagAt(new DataView(bytes.buffer, bytes.byteOffset), 0) === Relay.tagOf(from)

/** Resends that a leg may have saved up, and a participant may be given for nothing. Packets. */
const resendBudgetMax = 256

const checkSent = (sent: Relay.Sent, seen: ReadonlyArray<Seen>): void => {
  const { bytes, to } = sent
  hold(isMember(to), "nothing is sent but to a leg", () => show(to))
  const view = new DataView(bytes.buffer)
  const leg = seen[to]!
  const type = HopFrame.typeAt(bytes, 0)
  hold(HopFrame.legTagAt(view, 0) === to + 1, "a frame has its receiver's tag")
  hold(HopFrame.epochAt(bytes, 0) === 1, "a frame has its session's epoch")
  hold(HopFrame.hopSequenceAt(view, 0) === leg.nextHop, "hop sequences have no holes", () => show([to, leg.nextHop]))
  leg.nextHop = (leg.nextHop + 1) & 0xffff
  if (!HopFrame.isMedia(type)) {
    hold(HopFrame.isOfEveryLeg(type), "a relay makes feedback, padding and repair packets", () => show(type))
    const bytesMax = type === FrameType.ForwardErrorCorrection ? 1472 : 1200
    hold(bytes.length <= bytesMax, "what a relay makes fits into a datagram", () => `${bytes.length} bytes`)
    return
  }
  const body = bodyOf(bytes)
  const sources = seen.filter(({ from, sent }) => from !== to && isSameCall(from, to) && sent.has(body))
  hold(sources.length > 0, "media is what another of the same call has sent", () => `to p${to}: ${hexOf(bytes)}`)
  const ssrcOffset = HopFrame.headerBytes + (type === FrameType.EndToEndRtcp ? 4 : 8)
  hold(bytes.length >= ssrcOffset + 4, "a packet has an SSRC", () => hexOf(bytes))
  const ssrc = view.getUint32(ssrcOffset)
  const isDeclared = sources.some(({ from }) => ssrc === Relay.audioSsrc(from) || ssrc === Relay.videoSsrc(from))
  hold(isDeclared, "a packet is of a stream that its sender has declared", () => `to p${to}: ${hexOf(bytes)}`)
  const repair = HopFrame.repairSequenceAt(view, 0)
  if (HopFrame.isResend(bytes, 0)) {
    leg.resends++
    hold(
      leg.given.get(repair) === body,
      "a resend repeats the packet of its number",
      () => `to p${to}, number ${repair}`
    )
    hold(leg.resends <= leg.given.size + resendBudgetMax, "nobody gets more resends than packets", () =>
      show(leg.resends)
    )
    return
  }
  hold(!leg.given.has(repair), "a number is given once", () => `to p${to}, number ${repair}`)
  leg.given.set(repair, body)
}

/** As many frames as the relay's own clockwork may send for a batch: a report, a padding, a block's repair packets, on each leg. */
const ownFramesMax = (2 + FecFrame.repairPacketsMax) * participants

const checkAmount = (datagrams: ReadonlyArray<Datagram>, sent: ReadonlyArray<Relay.Sent>): void => {
  const authentic = datagrams.filter(isAuthentic).length
  const media = sent.filter(({ bytes }) => HopFrame.isMedia(HopFrame.typeAt(bytes, 0)))
  const first = media.filter(({ bytes }) => !HopFrame.isResend(bytes, 0)).length
  hold(first <= authentic * (inFirstCall - 1), "each packet goes to each other once", () => show({ first, authentic }))
  if (authentic === 0) hold(sent.length === 0, "who is not believed gets nothing sent", () => show(sent.length))
}

const checkCounters = ({ forwarding }: RelayOfTwoCalls, received: number): void => {
  const { controlIn, dropped, feedbackIn, mediaIn, paddingIn, recoveredIn, repairsIn } = forwarding.counters
  const droppedAll = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  // Malformed feedback is counted as feedback, too.
  const arrivedIn = mediaIn - recoveredIn + repairsIn
  const counted = controlIn + arrivedIn + paddingIn + feedbackIn + droppedAll - dropped.malformedFeedback
  hold(counted === received, "every datagram is counted once", () => show([counted, received, forwarding.counters]))
}

const checkMemory = ({ forwarding, legs }: RelayOfTwoCalls): void => {
  hold(forwarding.timers.size <= participants, "a leg is in the wheel once", () => show(forwarding.timers.size))
  for (const { hop } of legs) {
    const { receive, send } = hop
    const sizes = [receive.nacks.states, receive.arrivals.arrivedAtMs, send.history.packets, send.departures.sentAtMs]
    hold(
      sizes.every(({ length }) => length <= 4096),
      "a leg's memory is bounded",
      () => show(sizes.map(({ length }) => length))
    )
    hold(receive.nacks.missing >= 0 && receive.nacks.missing <= 2048, "what is missing is counted", () =>
      show(receive.nacks.missing)
    )
  }
}

const check = (steps: ReadonlyArray<Step>): void => {
  const relay = makeRelay()
  const seen = relay.legs.map((_, from): Seen => ({ from, sent: new Set(), given: new Map(), nextHop: 0, resends: 0 }))
  let nowMs = 1000
  let received = 0
  for (const { afterMs, datagrams } of steps) {
    nowMs += afterMs
    for (const datagram of datagrams) if (isAuthentic(datagram)) seen[datagram.from]!.sent.add(bodyOf(datagram.bytes))
    received += datagrams.length
    const sent = relay.receive(nowMs, ...datagrams.map(({ bytes, from }) => ({ from: addressOf(from), bytes })))
    for (const frame of sent) checkSent(frame, seen)
    checkAmount(datagrams, sent)
    checkCounters(relay, received)
    const due = relay.poll(nowMs)
    hold(due.length <= ownFramesMax, "what is due is little", () => `${due.length} frames`)
    for (const frame of due) checkSent(frame, seen)
    checkMemory(relay)
  }
  // Whatever has come, a leg on which nothing comes any more falls silent.
  for (let ms = 0; ms < 6000; ms += 50) for (const frame of relay.poll(nowMs + ms)) checkSent(frame, seen)
  hold(relay.poll(nowMs + 10_000).length === 0, "a quiet leg is silent")
  relay.poll(nowMs + 2 * Leg.releaseAfterMs)
  hold(relay.forwarding.timers.size === 0, "a quiet leg costs nothing", () => show(relay.forwarding.timers.size))
}

const showStep = ({ afterMs, datagrams }: Step): string =>
  [`after ${afterMs} ms`, ...datagrams.map(({ bytes, from }) => `  from p${from}: ${hexOf(bytes)}`)].join("\n")

export const target = define<ReadonlyArray<Step>>({
  name: "forwarding",
  about:
    "a relay's packet path: mutated frames of two calls go to nobody but the others of their call, and as they came",
  smokeCases: 70,
  draw: drawSteps,
  check,
  *smaller(steps) {
    yield* Smaller.lists(steps)
    const fewer = (step: Step) => Array.from(Smaller.lists(step.datagrams), (datagrams) => ({ ...step, datagrams }))
    yield* Smaller.listsOfSmaller(steps, fewer)
  },
  show: (steps) => steps.map(showStep).join("\n")
})
