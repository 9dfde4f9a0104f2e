import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { Effect, Layer } from "effect"
import { Runners } from "effect/cluster"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { Socket, SocketServer } from "effect/socket"
import * as BoundedWrites from "./BoundedWrites.ts"

/** Messages between nodes are small, and someone waits for each: none may wait for more to be sent with it. */
const noDelay = true

/** Where this node listens. Port 0 takes a free one. */
export interface Options {
  readonly host: string
  readonly port: number
}

/**
 * A connection that is silent for this long is given up, and what was asked over it is asked again, of whoever is
 * responsible then. (A process that was killed is noticed at once; one that was stopped leaves its connections open.)
 */
const silence = { pingInterval: "150 millis", pingTimeout: "400 millis" } as const

/** Speaks the cluster's protocol over sockets of any kind. */
export const layerProtocol = <R>(
  connect: (address: { readonly host: string; readonly port: number }) => Effect.Effect<Socket.Socket, never, R>
) =>
  Layer.effect(
    Runners.RpcClientProtocol,
    Effect.gen(function* () {
      const serialization = yield* RpcSerialization.RpcSerialization
      const context = yield* Effect.context<R>()
      return Runners.RpcClientProtocol.of({
        codecFor: serialization.codecFor,
        make: (address) =>
          RpcClient.makeProtocolSocket(silence).pipe(
            Effect.provideServiceEffect(Socket.Socket, Effect.provideContext(connect(address), context)),
            Effect.provideService(RpcSerialization.RpcSerialization, serialization)
          )
      })
    })
  )

const boundedServer = Layer.effect(
  SocketServer.SocketServer,
  Effect.map(SocketServer.SocketServer, (server) =>
    SocketServer.SocketServer.of({
      ...server,
      run: (handle) => server.run((socket) => handle(BoundedWrites.of(socket)))
    })
  )
)

/** TCP. Cheaper with lines of JSON than with Effect's binary form, which was measured. */
export const layer = (options: Options) =>
  Layer.merge(
    boundedServer.pipe(Layer.provide(NodeSocketServer.layer({ ...options, noDelay }))),
    layerProtocol(({ host, port }) => NodeSocket.makeNet({ host, port, noDelay, openTimeout: 1000 }))
  ).pipe(Layer.provideMerge(RpcSerialization.layerNdjson))
