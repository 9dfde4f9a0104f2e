import { setTimeout as sleep } from "node:timers/promises"
import * as Languages from "./Languages.ts"
import type { StayOrder } from "./LoadOrder.ts"
import * as MediaFlow from "./MediaFlow.ts"
import type { Participant } from "./Participant.ts"

/** Joins under way at once. A relay takes 64; the others would be asked for again. */
const joinsAtOnce = 32
/** How often participants are asked whether they have something to say. Milliseconds. */
const pollMs = 50
/** What they all send together in a millisecond, so that the relay can take it in. Packets. */
const packetsPerMs = 8
const payloadBytes = 200

let stays = 0
let participantsSoFar = 0

/** Brings participants into calls, where they stay for as long as this process lives. */
export const stay = async ({ callSize, language, packets, participants, relay }: StayOrder): Promise<void> => {
  const stay = ++stays
  const here: Array<Participant> = []
  const flows: Array<MediaFlow.MediaFlow> = []
  let next = 0
  const bringOneAfterTheOther = async () => {
    while (next < participants) {
      const index = next++
      const ssrc = ++participantsSoFar
      const participant = await Languages.open(language, {
        relay,
        call: `load ${process.pid}, stay ${stay}, call ${Math.floor(index / callSize)}`,
        participant: `participant ${index % callSize}`,
        callSize,
        ssrc,
        kind: "audio"
      })
      participant.socket.on("message", (datagram) => participant.packetOffset(datagram, performance.now()))
      await participant.join()
      here.push(participant)
      if (packets > 0) flows.push(MediaFlow.make({ sender: participant, ssrc, receivers: callSize - 1, payloadBytes }))
    }
  }
  setInterval(() => {
    const nowMs = performance.now()
    for (const participant of here) participant.poll(nowMs)
  }, pollMs)
  await Promise.all(Array.from({ length: joinsAtOnce }, bringOneAfterTheOther))

  const tally = MediaFlow.makeTally()
  for (let sent = 0; sent < packets * flows.length; sent++) {
    MediaFlow.send(flows[sent % flows.length]!, performance.now(), tally)
    if (sent % packetsPerMs === 0) await sleep(1)
  }
}
