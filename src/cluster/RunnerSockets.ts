import { Effect, Layer } from "effect"
import { Runners } from "effect/cluster"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { Socket, SocketServer } from "effect/socket"
import * as BoundedClose from "./BoundedClose.ts"
import * as BoundedWrites from "./BoundedWrites.ts"
import * as NodeTls from "./NodeTls.ts"

/** Where this node listens. Port 0 takes a free one. */
export interface Options {
  readonly host: string
  readonly port: number
  /** What nodes know and nobody else. This one shows that it knows the first, and takes others for each of them. */
  readonly keys: readonly [NodeTls.NodeKey, ...ReadonlyArray<NodeTls.NodeKey>]
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

/** TLS over TCP. Cheaper with lines of JSON than with Effect's binary form, which was measured. */
export const layer = ({ host, keys, port }: Options) =>
  Layer.merge(
    boundedServer.pipe(
      Layer.provide(BoundedClose.within("the port for other nodes", NodeTls.layerServer(keys, { host, port })))
    ),
    layerProtocol((address) => NodeTls.connect(keys, address))
  ).pipe(Layer.provideMerge(RpcSerialization.layerNdjson))
