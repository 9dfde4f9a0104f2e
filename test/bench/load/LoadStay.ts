import { setTimeout as sleep } from "node:timers/promises"
import * as DgramWires from "./DgramWires.ts"
import type { StayOrder } from "./LoadOrder.ts"
import * as LoadScene from "./LoadScene.ts"
import * as MediaFlow from "./MediaFlow.ts"
import type { Participant } from "./Participant.ts"

/** Calls that are filled at once, one participant after the other. A relay takes 64 joins; the others would be asked for again. */
const callsAtOnce = 32
/** How often participants are asked whether they have something to say. Milliseconds. */
const pollMs = 50
/** What they all send together in a millisecond, so that the relay can take it in. Packets. */
const packetsPerMs = 8
const payloadBytes = 200
/** Nobody here looks at what comes. */
const oneByOne = { framePackets: 1, runPackets: 1, rememberedPackets: 1 }

/** They hardly send: their sockets sleep in the event loop. */
const wires = DgramWires.make("those who stay hardly send")

let stays = 0
let participantsSoFar = 0

/** Brings participants into calls, where they stay for as long as this process lives. */
export const stay = async (order: StayOrder): Promise<void> => {
  const { callSize, packets, participants, relay } = order
  const stay = ++stays
  const here: Array<Participant> = []
  const flows: Array<MediaFlow.MediaFlow> = []
  const calls = Math.ceil(participants / callSize)
  let next = 0
  const fillOneAfterTheOther = async () => {
    while (next < calls) {
      const index = next++
      const size = Math.min(callSize, participants - index * callSize)
      const places = Array.from({ length: size }, (_, place) => ({
        relay,
        call: `load ${process.pid}, stay ${stay}, call ${index}`,
        participant: `participant ${place}`,
        callSize,
        ssrc: ++participantsSoFar,
        kind: "audio" as const
      }))
      const entered = await LoadScene.enterCall(wires, order, places)
      here.push(...entered)
      if (packets === 0) continue
      const receivers = callSize - 1
      for (const [index, sender] of entered.entries()) {
        const { ssrc } = places[index]!
        flows.push(MediaFlow.make({ sender, ssrc, receivers, payloadBytes, ...oneByOne }))
      }
    }
  }
  setInterval(() => {
    const nowMs = performance.now()
    for (const participant of here) participant.poll(nowMs)
  }, pollMs)
  await Promise.all(Array.from({ length: callsAtOnce }, fillOneAfterTheOther))

  const tally = MediaFlow.makeTally()
  for (let sent = 0; sent < packets * flows.length; sent++) {
    MediaFlow.send(flows[sent % flows.length]!, 1, performance.now(), tally)
    if (sent % packetsPerMs === 0) await sleep(1)
  }
}
