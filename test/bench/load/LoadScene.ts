import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import * as Languages from "./Languages.ts"
import * as LoadGroup from "./LoadGroup.ts"
import type { Calls, Pace, RunOrder } from "./LoadOrder.ts"
import * as MediaFlow from "./MediaFlow.ts"
import type { Participant, Place } from "./Participant.ts"
import type { Inbox, Wires } from "./Wire.ts"

/** Everybody who takes part in a run, in their calls, and what they send each other. */
export interface LoadScene {
  readonly participants: ReadonlyArray<Participant>
  readonly measured: LoadGroup.LoadGroup
  readonly beside: LoadGroup.LoadGroup | undefined
}

/** Told of every packet that has come as it was sent, and how long it was under way. */
type OnPacket = (delayMs: number) => void

/** Of all streams together, a power of two: what is sent in a second and more, and nothing is under way for so long. */
const rememberedPackets = 1 << 19
/** Of each stream at least. */
const rememberedPacketsMin = 1 << 12

let scenes = 0

/** Compares the packets that come for one participant with what was sent. Returns what it gets. */
const listen = (
  participant: Participant,
  flows: ReadonlyArray<MediaFlow.MediaFlow>,
  group: LoadGroup.LoadGroup,
  inbox: Inbox,
  onPacket: OnPacket
): ReadonlyArray<MediaFlow.Arrivals> => {
  const arrivals = flows.filter(({ sender }) => sender !== participant).map(MediaFlow.makeArrivals)
  participant.onPacket = (offset, end, nowMs) => {
    group.lastArrivalMs = nowMs
    const isWhole = end - offset >= RtpHeader.fixedHeaderBytes
    const ssrc = isWhole ? inbox.view.getUint32(offset + 8) : 0
    for (let i = 0; i < arrivals.length; i++) {
      const arrived = arrivals[i]!
      if (arrived.flow.ssrc !== ssrc) continue
      const delayMs = MediaFlow.receive(arrived, inbox, offset, end, nowMs, group.tally)
      if (delayMs >= 0) onPacket(delayMs)
      return
    }
    group.tally.wrong++
  }
  return arrivals
}

/** Everybody of one call, with their sockets and in it. */
export const enterCall = async (
  wires: Wires,
  { language }: Pick<RunOrder, "language">,
  places: ReadonlyArray<Place>
): Promise<ReadonlyArray<Participant>> => {
  const participants: Array<Participant> = []
  for (const place of places) participants.push(await Languages.open(language, place, wires))
  for (const participant of participants) {
    await participant.join(participants.filter((other) => other !== participant))
  }
  return participants
}

/** Opens everybody's sockets and brings everybody into the calls. */
export const enter = async (wires: Wires, order: RunOrder, onPacket: OnPacket): Promise<LoadScene> => {
  const scene = ++scenes
  const everybody: Array<Participant> = []
  let callsSoFar = 0

  const enterCalls = async (calls: Calls, pace: Pace): Promise<LoadGroup.LoadGroup> => {
    const { framePackets = 1, kind, participants: callSize, payloadBytes } = calls
    const flows: Array<MediaFlow.MediaFlow> = []
    const arrivals: Array<MediaFlow.Arrivals> = []
    const group = LoadGroup.make(calls, pace, flows, arrivals)
    const streams = calls.calls * calls.senders
    const remembered = Math.max(rememberedPacketsMin, rememberedPackets >> Math.ceil(Math.log2(streams)))
    for (let i = 0; i < calls.calls; i++) {
      const call = `load ${process.pid}, scene ${scene}, call ${callsSoFar++}`
      const places = Array.from({ length: callSize }, (_, index) => ({
        relay: order.relay,
        call,
        participant: `participant ${index}`,
        callSize,
        ssrc: everybody.length + index + 1,
        kind
      }))
      const participants = await enterCall(wires, order, places)
      const flowsOfCall = participants.slice(0, calls.senders).map((sender, index) => {
        const { ssrc } = places[index]!
        return MediaFlow.make({
          sender,
          ssrc,
          receivers: callSize - 1,
          payloadBytes,
          framePackets,
          runPackets: LoadGroup.runPackets,
          rememberedPackets: remembered
        })
      })
      for (const participant of participants) {
        arrivals.push(...listen(participant, flowsOfCall, group, wires.inbox, onPacket))
      }
      everybody.push(...participants)
      flows.push(...flowsOfCall)
    }
    return group
  }

  const { beside, calls, pace } = order
  return {
    measured: await enterCalls(calls, pace),
    beside: beside && (await enterCalls(beside.calls, beside.pace)),
    participants: everybody
  }
}

/** Everybody leaves. */
export const leave = async ({ participants }: LoadScene): Promise<void> => {
  await Promise.all(participants.map((participant) => participant.leave()))
}
