import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import * as Languages from "./Languages.ts"
import type { RunOrder } from "./LoadOrder.ts"
import * as MediaFlow from "./MediaFlow.ts"
import type { Participant } from "./Participant.ts"

/** Everybody who takes part in a run, in their calls, and what they send each other. */
export interface LoadScene {
  readonly participants: ReadonlyArray<Participant>
  readonly flows: ReadonlyArray<MediaFlow.MediaFlow>
  readonly tally: MediaFlow.Tally
}

/** Told of every packet that has come as it was sent, and how long it was under way. */
type OnPacket = (delayMs: number, nowMs: number) => void

let scenes = 0

/** Takes in what comes for one participant: control by itself, packets by comparing them with what was sent. */
const listen = (
  participant: Participant,
  flows: ReadonlyMap<number, MediaFlow.MediaFlow>,
  tally: MediaFlow.Tally,
  onPacket: OnPacket
): void => {
  const arrivals = new Map<number, MediaFlow.Arrivals>()
  participant.socket.on("message", (datagram) => {
    const nowMs = performance.now()
    const offset = participant.packetOffset(datagram, nowMs)
    if (offset < 0) return
    const isWhole = datagram.length >= offset + RtpHeader.fixedHeaderBytes
    const flow = isWhole ? flows.get(datagram.readUInt32BE(offset + 8)) : undefined
    if (flow === undefined || flow.sender === participant) {
      tally.wrong++
      return
    }
    let arrived = arrivals.get(flow.ssrc)
    if (arrived === undefined) arrivals.set(flow.ssrc, (arrived = { flow, newest: -1 }))
    const delayMs = MediaFlow.receive(arrived, datagram, offset, nowMs, tally)
    if (delayMs >= 0) onPacket(delayMs, nowMs)
  })
}

/** Opens everybody's socket and brings everybody into the calls. */
export const enter = async ({ calls, language, relay }: RunOrder, onPacket: OnPacket): Promise<LoadScene> => {
  const tally = MediaFlow.makeTally()
  const scene = ++scenes
  const participants: Array<Participant> = []
  const flows: Array<MediaFlow.MediaFlow> = []
  for (let call = 0; call < calls.calls; call++) {
    const flowsOfCall = new Map<number, MediaFlow.MediaFlow>()
    for (let index = 0; index < calls.participants; index++) {
      const ssrc = participants.length + 1
      const participant = await Languages.open(language, {
        relay,
        call: `load ${process.pid}, scene ${scene}, call ${call}`,
        participant: `participant ${index}`,
        callSize: calls.participants,
        ssrc,
        kind: calls.kind
      })
      participants.push(participant)
      listen(participant, flowsOfCall, tally, onPacket)
      await participant.join()
      if (index >= calls.senders) continue
      const receivers = calls.participants - 1
      const flow = MediaFlow.make({ sender: participant, ssrc, receivers, payloadBytes: calls.payloadBytes })
      flowsOfCall.set(ssrc, flow)
      flows.push(flow)
    }
  }
  return { participants, flows, tally }
}

/** Everybody leaves. */
export const leave = async ({ participants }: LoadScene): Promise<void> => {
  await Promise.all(participants.map((participant) => participant.leave()))
  for (const { socket } of participants) socket.close()
}
