/** The backend of a calling product, as one program: it lets people into calls, shows who is in one, and is the relay. */
import { NodeHttpServer } from "@effect/platform-node"
import { Clock, Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import type { KeyRing } from "tandem/access/keys"
import * as CallToken from "tandem/access/token"
import * as SingleRunner from "tandem/cluster/single"
import { CallId, ParticipantId } from "tandem/protocol/ids"
import * as Relay from "tandem/server"
import * as Network from "tandem/server/network"
import * as CallStore from "tandem/state"
import * as Throttle from "tandem/throttle"

export interface Options {
  readonly host: string
  readonly httpPort: number
  readonly udpPort: number
  readonly keyRing: KeyRing
}

/** The routes of the application, which use the relay beside them. A real one would ask who is there. */
const routes = ({ keyRing }: Options) =>
  HttpRouter.use(
    Effect.fn(function* (router) {
      const relay = yield* Relay.Relay
      const store = yield* CallStore.CallStore

      const admit = Effect.gen(function* () {
        const place = yield* HttpRouter.schemaPathParams(Schema.Struct({ call: CallId, participant: ParticipantId }))
        const nowMs = yield* Clock.currentTimeMillis
        const expiresAtSeconds = Math.floor(nowMs / 1000) + 3600
        const token = CallToken.mint(keyRing, { ...place, callClass: "group-video", expiresAtSeconds })
        return yield* HttpServerResponse.json({ relay: relay.address, token: CallToken.formatCredential(token) })
      })
      yield* router.add("POST", "/calls/:call/participants/:participant", admit)

      const show = Effect.gen(function* () {
        const { call } = yield* HttpRouter.schemaPathParams(Schema.Struct({ call: CallId }))
        const { participants } = yield* store.load(call)
        return yield* HttpServerResponse.json(participants.map(({ id }) => id))
      })
      yield* router.add("GET", "/calls/:call/participants", show)
    })
  )

/** The relay of this program, and the parts that it is made of. */
const relay = ({ host, keyRing, udpPort }: Options) =>
  Relay.layerWith({ host, port: udpPort, keyRing }).pipe(
    Layer.provide([Network.layerOf("auto", undefined), Throttle.layerOpen, SingleRunner.layer]),
    Layer.provideMerge(CallStore.layerMemory)
  )

/** Whoever builds it has the HTTP server and the relay; both are closed with its scope. */
export const layer = (options: Options) =>
  HttpRouter.serve(routes(options)).pipe(
    Layer.provide(relay(options)),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { host: options.host, port: options.httpPort }))
  )
