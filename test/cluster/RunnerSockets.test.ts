import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { RunnerAddress, Runners } from "effect/cluster"
import { type Socket, SocketServer } from "effect/socket"
import * as SqlClient from "effect/sql/SqlClient"
import { type AddressInfo, createServer, Socket as NetSocket } from "node:net"
import * as ClusterNode from "../../src/cluster/ClusterNode.ts"
import * as RunnerSockets from "../../src/cluster/RunnerSockets.ts"
import * as NodeSqlite from "../../src/state/NodeSqlite.ts"

const local = { host: "127.0.0.1", port: 0 }

/** The handles under both ends of a connection are of one class, which is where the option is set in the end. */
interface Handle {
  setNoDelay: (isOn: boolean) => unknown
}

/** Counts how often the option is switched on while the scope is open. */
const watchNoDelay = Effect.gen(function* () {
  const server = createServer()
  const handle = yield* Effect.promise(
    () =>
      new Promise<Handle>((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          const socket = new NetSocket().connect((server.address() as AddressInfo).port, "127.0.0.1", () => {
            resolve(Object.getPrototypeOf((socket as unknown as { _handle: Handle })._handle))
            socket.destroy()
            server.close()
          })
        })
      })
  )
  const before = handle.setNoDelay
  let count = 0
  handle.setNoDelay = function (this: Handle, isOn: boolean) {
    if (isOn) count++
    return before.call(this, isOn)
  }
  yield* Effect.addFinalizer(() => Effect.sync(() => void (handle.setNoDelay = before)))
  return () => count
})

describe("RunnerSockets", () => {
  it.live("nothing is held back at either end of a connection", () =>
    Effect.gen(function* () {
      const count = yield* watchNoDelay
      yield* Effect.gen(function* () {
        const { address, run } = yield* SocketServer.SocketServer
        const read = (socket: Socket.Socket) => Effect.flatMap(socket.reader, ({ pull }) => Effect.forever(pull))
        yield* run((socket) => Effect.ignore(Effect.scoped(read(socket)))).pipe(Effect.forkScoped)
        const protocols = yield* Runners.RpcClientProtocol
        yield* protocols.make(RunnerAddress.make(local.host, address._tag === "UnixPathAddress" ? 0 : address.port))
        while (count() < 2) yield* Effect.sleep("5 millis")
      }).pipe(Effect.scoped, Effect.provide(RunnerSockets.layer(local)))
      assert.strictEqual(count(), 2)
    }).pipe(Effect.scoped)
  )

  it.live("a node is where it listens, whatever HOST and PORT say", () =>
    Effect.gen(function* () {
      const before = { ...process.env }
      Object.assign(process.env, { HOST: "192.0.2.1", PORT: "1", LISTEN_HOST: "192.0.2.2", LISTEN_PORT: "2" })
      yield* Effect.addFinalizer(() => Effect.sync(() => void (process.env = before)))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const registered = sql<{ address: string }>`SELECT address FROM tandem_runners`
        while ((yield* registered).length === 0) yield* Effect.sleep("5 millis")
        const [{ address } = { address: "" }] = yield* registered
        assert.match(address, /^127\.0\.0\.1:\d{4,5}$/)
      }).pipe(
        Effect.provide(
          ClusterNode.layer({ runner: local }).pipe(Layer.provideMerge(NodeSqlite.layer({ file: ":memory:" })))
        )
      )
    }).pipe(Effect.scoped)
  )
})
