import * as Dgram from "node:dgram"
import { once } from "node:events"
import type { RelayPlace } from "../load/LoadOrder.ts"

/** A datagram may be lost. Milliseconds. */
const repeatAfterMs = 100
const repeatsMax = 50

/** Sends a datagram until one comes back. `who` is for the message when none does. */
export const ask = async (who: string, { host, port }: RelayPlace, question: Uint8Array): Promise<Buffer> => {
  const socket = Dgram.createSocket("udp4")
  // A port that nobody listens on yet.
  socket.on("error", () => {})
  socket.connect(port, host)
  await once(socket, "connect")
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise((take, fail) => {
      let left = repeatsMax
      socket.once("message", take)
      const send = () => {
        if (left-- === 0) return fail(new Error(`${who} does not answer`))
        socket.send(question, () => {})
        timer = setTimeout(send, repeatAfterMs)
      }
      send()
    })
  } finally {
    clearTimeout(timer)
    socket.close()
  }
}
