import { Context, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import * as CallActor from "../actor/CallActor.ts"
import { CallLocator } from "../actor/CallLocator.ts"
import * as AdminServer from "../admin/AdminServer.ts"
import { RelayDirectory } from "../cluster/RelayDirectory.ts"
import * as SingleRunner from "../cluster/SingleRunner.ts"
import { PipelineMetrics } from "../pipeline/PipelineMetrics.ts"
import * as RelayCore from "../pipeline/RelayCore.ts"
import { RelayId } from "../protocol/Ids.ts"
import type { Impairment } from "../sockets/Impairment.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import * as ClusterLayer from "./ClusterLayer.ts"
import * as FleetMembership from "./FleetMembership.ts"
import * as Network from "./Network.ts"
import * as Pipeline from "./Pipeline.ts"
import * as StateLayer from "./StateLayer.ts"
import * as ThrottleLayer from "./ThrottleLayer.ts"

/** What a relay needs to be told; the rest has defaults that suit one relay on one machine. */
export interface Options extends Partial<RelayCore.RelayOptions> {
  readonly keyRing: RelayCore.RelayOptions["keyRing"]
  /** Health and metrics over HTTP; left out, there is no HTTP. Port 0 takes a free one. */
  readonly admin?: { readonly host: string; readonly port: number } | undefined
  /** Where devices may resume when this relay stops: "203.0.113.8:3478", the best first. */
  readonly otherRelays?: ReadonlyArray<string> | undefined
  /** Treats what the relay sends as badly as this, to try things out. Left out: as well as it can. */
  readonly impairment?: Impairment | undefined
  /** Of `layer`: which socket. Left out: the best there is. */
  readonly socket?: Network.SocketKind | undefined
  /** Of `layer`: where calls are kept. Left out: in the cluster's database, or else in memory. */
  readonly state?: StateLayer.StateSource | undefined
  /** Of `layer`: what to do under load. Left out: give up in the order of docs/operating.md. */
  readonly throttle?: ThrottleLayer.ThrottleKind | undefined
  /**
   * Of `layer`: what this relay can forward, as `npm run bench` has measured it; the throttle goes by it. Packets a second; left
   * out: it goes by CPU.
   */
  readonly capacityPerSecond?: number | undefined
  /** Of `layer`: the other nodes that calls are shared with. Left out: there are none. */
  readonly cluster?: ClusterLayer.ClusterOptions | undefined
}

const mebibyte = 1 << 20

const withDefaults = ({
  admin: _admin,
  impairment: _impairment,
  socket: _socket,
  state: _state,
  cluster: _cluster,
  otherRelays: _otherRelays,
  throttle: _throttle,
  capacityPerSecond: _capacityPerSecond,
  ...options
}: Options): RelayCore.RelayOptions => ({
  relayId: RelayId.make("relay"),
  host: "0.0.0.0",
  port: 3478,
  advertised: undefined,
  audioRingBytes: 64 * mebibyte,
  videoRingBytes: 192 * mebibyte,
  drainTimeoutMs: 30_000,
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
    /** Ends when an operator of the cluster wants the relay to stop: closing its scope is up to whoever has built it. */
    readonly stopRequested: Effect.Effect<void>
    /**
     * Ends with the reason when the relay is of no use any more, as without its packet path. Its fleet knows it no longer; to
     * close its scope and start it again is up to whoever has built it.
     */
    readonly broken: Effect.Effect<string>
  }
>()("tandem/server/Relay") {}

const relay = Layer.effect(
  Relay,
  Effect.gen(function* () {
    const { fault, options, port } = yield* RelayCore.RelayCore
    const { address, description, shortcomings } = port
    const { port: adminPort } = yield* AdminServer.AdminServer
    yield* Effect.logInfo(`UDP port ${PackedAddress.format(address)}: ${description}`)
    for (const shortcoming of shortcomings) yield* Effect.logWarning(shortcoming)
    return Relay.of({
      address: PackedAddress.format(address),
      host: PackedAddress.formatHost(address),
      port: address[0]!,
      socket: description,
      adminPort,
      stopRequested: (yield* RelayDirectory).drainRequested(options.relayId),
      broken: Effect.map(fault.raised.await, () => String(fault.reason))
    })
  })
)

/** All runs that it is provided with. */
const started = Layer.effectDiscard(Effect.map(RelayCore.RelayCore, ({ started }) => started.openUnsafe()))

/**
 * A relay of parts that the application chooses: the network, the state store, the throttle and the cluster that call
 * actors run on. Each has a layer of its own to swap in. The port is open when the layer is built, and closed, after the
 * devices have been told, when its scope ends.
 */
export const layerWith = ({ otherRelays = [], ...options }: Options) => {
  const admin = options.admin === undefined ? AdminServer.layerNone : AdminServer.layer(options.admin)
  const settings = withDefaults(options)
  return relay.pipe(
    // The pipeline comes after the membership, so it has drained before the fleet forgets the relay.
    Layer.merge(started.pipe(Layer.provide(Pipeline.layer), Layer.provide(FleetMembership.layer))),
    // Comes before all of them: it says that the relay starts, and later that it drains.
    Layer.provide(admin),
    Layer.provide(PipelineMetrics.layer),
    Layer.provide(FleetMembership.layerPeers(settings.relayId, otherRelays)),
    Layer.provide(RelayCore.layer(settings)),
    Layer.provide([CallActor.layer, CallLocator.layer]),
    Layer.provide(SecureRandom.layerWebCrypto)
  )
}

/**
 * A relay that needs nothing else: one process, its calls in memory if nothing else is said, the machine's best UDP socket,
 * and a throttle that goes by its load.
 */
export const layer = (options: Options) =>
  layerWith(options).pipe(
    Layer.provide([
      Network.layerOf(options.socket ?? "auto", options.impairment),
      ThrottleLayer.layer(options.throttle ?? "adaptive", options.capacityPerSecond),
      options.cluster === undefined
        ? Layer.merge(SingleRunner.layer, StateLayer.layer(options.state ?? { kind: "memory" }))
        : ClusterLayer.layer(options.cluster, options.keyRing, options.state)
    ])
  )
