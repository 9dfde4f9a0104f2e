import { spawnSync } from "node:child_process"
import * as Dgram from "node:dgram"
import { once } from "node:events"
import * as PinnedProcess from "../PinnedProcess.ts"
import { NotAvailable, type Relay } from "./Relay.ts"
import * as TemporaryFolder from "./TemporaryFolder.ts"
import * as UdpQuestion from "./UdpQuestion.ts"

const program = "turnserver"
const host = "127.0.0.1"

/** A Binding request without attributes, RFC 8489 section 5: type, length, magic cookie, transaction. */
const bindingRequest = Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)

/**
 * It keeps an allocation for a second and a half after that was given back, and refuses a newcomer from the same port: the
 * system may give out a port again by then. Milliseconds.
 */
const restMs = 2000

/** It cannot say which port the system has given it, so that one is looked for before. */
const freePort = async (): Promise<number> => {
  const socket = Dgram.createSocket("udp4")
  socket.bind(0, host)
  await once(socket, "listening")
  const { port } = socket.address()
  socket.close()
  return port
}

/**
 * The TURN server that most people run, doing what it does fastest: ChannelData over UDP to peers on the same host, one
 * relay thread, nobody's password asked. It does not count packets where that could be read for nothing.
 */
export const relay: Relay = {
  name: "coturn",
  language: "turn",
  start: async ({ core }) => {
    if (spawnSync(program, ["--version"]).error !== undefined) throw new NotAvailable("turnserver is not installed")
    const folder = TemporaryFolder.make()
    const place = { host, port: await freePort() }
    const transports = ["--no-tcp", "--no-tls", "--no-dtls", "--no-tcp-relay", "--no-cli"]
    const where = ["--listening-ip", host, "--relay-ip", host, "--listening-port", String(place.port)]
    const files = ["-n", "--log-file", "stdout", "--pidfile", `${folder.path}/pid`, "--userdb", `${folder.path}/users`]
    const turnserver = PinnedProcess.start({
      name: relay.name,
      command: [
        program,
        ...files,
        ...where,
        ...transports,
        "--no-auth",
        "--allow-loopback-peers",
        "--relay-threads",
        "1"
      ],
      core,
      cwd: folder.path
    })
    await UdpQuestion.ask(relay.name, place, bindingRequest)
    return {
      pid: turnserver.child.pid!,
      place,
      restMs,
      end: async () => {
        await PinnedProcess.end(turnserver)
        folder.remove()
      }
    }
  }
}
