import * as Dgram from "node:dgram"
import { once } from "node:events"
import type { Language } from "./LoadOrder.ts"
import type { Participant, Place } from "./Participant.ts"
import * as PlainParticipant from "./PlainParticipant.ts"
import * as TandemParticipant from "./TandemParticipant.ts"

/** Who speaks to which relay. A relay of another kind is another row here. */
const participants: Record<Language, (place: Place, socket: Dgram.Socket) => Participant> = {
  tandem: TandemParticipant.make,
  plain: PlainParticipant.make
}

/** Asked for; the kernel's default overflows within a burst. Bytes. */
const kernelBufferBytes = 1 << 20

/** A participant with an open socket, who is not in the call yet. */
export const open = async (language: Language, place: Place): Promise<Participant> => {
  const socket = Dgram.createSocket("udp4")
  // A relay that is gone: what does not come is counted, and who does not answer is named.
  socket.on("error", () => {})
  socket.bind(0, "127.0.0.1")
  await once(socket, "listening")
  socket.setRecvBufferSize(kernelBufferBytes)
  socket.setSendBufferSize(kernelBufferBytes)
  socket.connect(place.relay.port, place.relay.host)
  await once(socket, "connect")
  return participants[language](place, socket)
}
