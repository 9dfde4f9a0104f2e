import { Effect } from "effect"
import { once } from "node:events"
import * as Net from "node:net"

/** The way to a server on this machine, on which connections can be lost without either side being told. */
export interface TcpLink {
  readonly port: number
  /** Connections that there are stay open, and carry nothing any more. New ones do. */
  readonly lose: Effect.Effect<void>
}

const open = async (toPort: number) => {
  const sockets = new Set<Net.Socket>()
  const server = Net.createServer((near) => {
    const far = Net.connect(toPort, "127.0.0.1")
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on("error", () => socket.destroy())
      socket.on("close", () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  return { server, sockets }
}

export const make = Effect.fnUntraced(function* (toPort: number) {
  const { server, sockets } = yield* Effect.acquireRelease(
    Effect.promise(() => open(toPort)),
    ({ server, sockets }) =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )
  const link: TcpLink = {
    port: (server.address() as Net.AddressInfo).port,
    lose: Effect.sync(() => sockets.forEach((socket) => socket.unpipe().resume()))
  }
  return link
})
