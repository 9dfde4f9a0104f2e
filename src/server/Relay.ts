import { Context, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import * as CallActor from "../actor/CallActor.ts"
import * as AdminServer from "../admin/AdminServer.ts"
import * as SingleRunner from "../cluster/SingleRunner.ts"
import * as Answers from "../pipeline/Answers.ts"
import { CallNotices } from "../pipeline/CallNotices.ts"
import { CallSessions } from "../pipeline/CallSessions.ts"
import { ControlInbox } from "../pipeline/ControlInbox.ts"
import { ControlOutbox } from "../pipeline/ControlOutbox.ts"
import * as ControlPipeline from "../pipeline/ControlPipeline.ts"
import { Directives } from "../pipeline/Directives.ts"
import * as MediaPipeline from "../pipeline/MediaPipeline.ts"
import { PipelineMetrics } from "../pipeline/PipelineMetrics.ts"
import * as RelayCore from "../pipeline/RelayCore.ts"
import { RelayId } from "../protocol/Ids.ts"
import type { Impairment } from "../sockets/Impairment.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import * as CallStore from "../state/CallStore.ts"
import * as Throttle from "../throttle/Throttle.ts"
import * as Network from "./Network.ts"

/** What a relay needs to be told; the rest has defaults that suit one relay on one machine. */
export interface Options extends Partial<RelayCore.RelayOptions> {
  readonly keyRing: RelayCore.RelayOptions["keyRing"]
  /** Health and metrics over HTTP; left out, there is no HTTP. Port 0 takes a free one. */
  readonly admin?: { readonly host: string; readonly port: number } | undefined
  /** Treats what the relay sends as badly as this, to try things out. Left out: as well as it can. */
  readonly impairment?: Impairment | undefined
  /** Of `layer`: which socket. Left out: the best there is. */
  readonly socket?: Network.SocketKind | undefined
}

const mebibyte = 1 << 20

const withDefaults = ({
  admin: _admin,
  impairment: _impairment,
  socket: _socket,
  ...options
}: Options): RelayCore.RelayOptions => ({
  relayId: RelayId.make("relay"),
  host: "0.0.0.0",
  port: 3478,
  otherRelays: [],
  audioRingBytes: 64 * mebibyte,
  videoRingBytes: 192 * mebibyte,
  repair: true,
  ...options
})

/** A running relay. */
export class Relay extends Context.Service<
  Relay,
  {
    /** Where its UDP port is bound: "0.0.0.0:3478". */
    readonly address: string
    readonly host: string
    readonly port: number
    /** How datagrams travel, and why so. */
    readonly socket: string
    /** HTTP port for health and metrics; `undefined` when there is none. */
    readonly adminPort: number | undefined
  }
>()("tandem/server/Relay") {}

const relay = Layer.effect(
  Relay,
  Effect.gen(function* () {
    const { address, description, shortcomings } = (yield* RelayCore.RelayCore).port
    const { port: adminPort } = yield* AdminServer.AdminServer
    yield* Effect.logInfo(`UDP port ${PackedAddress.format(address)}: ${description}`)
    for (const shortcoming of shortcomings) yield* Effect.logWarning(shortcoming)
    return Relay.of({
      address: PackedAddress.format(address),
      host: PackedAddress.formatHost(address),
      port: address[0]!,
      socket: description,
      adminPort
    })
  })
)

/**
 * A relay of parts that the application chooses: the network, the state store, the throttle and the cluster that call
 * actors run on. Each has a layer of its own to swap in. The port is open when the layer is built, and closed, after the
 * devices have been told, when its scope ends.
 */
export const layerWith = (options: Options) => {
  const control = ControlPipeline.layer.pipe(
    Layer.provide([CallSessions.layer, CallNotices.layer]),
    Layer.provide(Answers.Answers.layer),
    Layer.provide(Directives.layer),
    Layer.provide(ControlOutbox.layer)
  )
  const admin = options.admin === undefined ? AdminServer.layerNone : AdminServer.layer(options.admin)
  // The control plane comes last, so it is closed first: its farewell still travels over the data plane.
  return Layer.mergeAll(Layer.provide(relay, admin), control).pipe(
    Layer.provide(PipelineMetrics.layer),
    Layer.provide(MediaPipeline.layer),
    Layer.provide(ControlInbox.layer),
    Layer.provide(RelayCore.layer(withDefaults(options))),
    Layer.provide(CallActor.layer),
    Layer.provide(SecureRandom.layerWebCrypto)
  )
}

/** A relay that needs nothing else: one process, its calls in memory, the machine's best UDP socket, nothing refused. */
export const layer = (options: Options) =>
  layerWith(options).pipe(
    Layer.provide([
      Network.layerOf(options.socket ?? "auto", options.impairment),
      Throttle.layerOpen,
      SingleRunner.layer,
      CallStore.layerMemory
    ])
  )
