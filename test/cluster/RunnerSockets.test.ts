import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer } from "effect"
import { RunnerAddress, Runners } from "effect/cluster"
import { type Socket, SocketServer } from "effect/socket"
import * as SqlClient from "effect/sql/SqlClient"
import { type AddressInfo, createServer, Socket as NetSocket } from "node:net"
import * as ClusterNode from "../../src/cluster/ClusterNode.ts"
import * as NodeTls from "../../src/cluster/NodeTls.ts"
import * as RunnerSockets from "../../src/cluster/RunnerSockets.ts"
import * as NodeSqlite from "../../src/state/NodeSqlite.ts"
import { nodeKey } from "./NodeKeys.ts"

const local = { host: "127.0.0.1", port: 0, keys: [nodeKey] } as const

/** The handles under both ends of a connection are of one class, which is where the option is set in the end. */
interface Handle {
  setNoDelay: (isOn: boolean) => unknown
}

/** Counts the ends of connections that have the option switched on while the scope is open. */
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
  const ends = new Set<Handle>()
  handle.setNoDelay = function (this: Handle, isOn: boolean) {
    if (isOn) ends.add(this)
    return before.call(this, isOn)
  }
  yield* Effect.addFinalizer(() => Effect.sync(() => void (handle.setNoDelay = before)))
  return () => ends.size
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

  const first = { id: "k1", clusterKey: new Uint8Array(32).fill(1) }
  const second = { id: "k2", clusterKey: new Uint8Array(32).fill(2) }
  const forged = { id: "k1", clusterKey: new Uint8Array(32).fill(9) }

  it.live("whoever does not know a key of the fleet's says nothing to a node, and hears nothing of it", () =>
    Effect.gen(function* () {
      let connections = 0
      const server = NodeTls.layerServer([first, second], { host: "127.0.0.1", port: 0 })
      const { address, run } = Context.get(yield* Layer.build(server), SocketServer.SocketServer)
      const port = address._tag === "UnixPathAddress" ? 0 : address.port
      const echo = (socket: Socket.Socket) =>
        Effect.gen(function* () {
          connections++
          const { write } = yield* socket.writer
          const { pull } = yield* socket.reader
          yield* Effect.forever(Effect.flatMap(pull, ([said]) => write(said)))
        }).pipe(Effect.scoped, Effect.ignore)
      yield* Effect.forkScoped(run(echo))

      /** What comes back for a word. */
      const said = (...keys: readonly [NodeTls.NodeKey, ...ReadonlyArray<NodeTls.NodeKey>]) =>
        Effect.gen(function* () {
          const socket = yield* NodeTls.connect(keys, { host: "127.0.0.1", port })
          const { write } = yield* socket.writer
          const { pull } = yield* socket.reader
          yield* write("word")
          return (yield* pull)[0].toString()
        }).pipe(Effect.scoped, Effect.exit)

      // A key that is put second everywhere, and then first, one node after the other.
      assert.deepStrictEqual(yield* said(first), Exit.succeed("word"))
      assert.deepStrictEqual(yield* said(second, first), Exit.succeed("word"))
      assert.isTrue(Exit.isFailure(yield* said(forged)))
      assert.isTrue(Exit.isFailure(yield* said({ ...first, id: "k3" })))
      const plain = yield* Effect.promise(
        () =>
          new Promise<number>((resolve) => {
            let heard = 0
            const stranger = new NetSocket().connect(port, "127.0.0.1", () => stranger.write('{"_tag":"Ping"}\n'))
            stranger.on("data", (bytes) => (heard += bytes.length)).on("error", () => {})
            stranger.on("close", () => resolve(heard))
          })
      )
      // An alert of TLS at most.
      assert.isBelow(plain, 16)
      assert.strictEqual(connections, 2)
    }).pipe(Effect.scoped)
  )
})
