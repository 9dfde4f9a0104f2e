import { createSocket } from "node:dgram"
import { once } from "node:events"

/** Below what Linux hands out to sockets without a port of their own: nobody takes one before its player does. */
const first = 20_000
const count = 10_000

/** Runs of the tests that share a machine begin at different ones. */
let next = (2 * process.pid) % count

/** Two free UDP ports of 127.0.0.1, for RTP and RTCP: the even one. */
export const take = async (): Promise<number> => {
  for (let tries = 0; tries < count / 2; tries++) {
    const port = first + next
    next = (next + 2) % count
    if ((await isFree(port)) && (await isFree(port + 1))) return port
  }
  throw new Error(`no two UDP ports from ${first} to ${first + count} are free`)
}

const isFree = async (port: number): Promise<boolean> => {
  const socket = createSocket("udp4")
  try {
    socket.bind(port, "127.0.0.1")
    await once(socket, "listening")
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
