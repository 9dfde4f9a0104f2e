import { Effect, Layer, Schema } from "effect"
import * as SystemCalls from "../sockets/batched/SystemCalls.ts"
import type { DatagramNetwork } from "../sockets/DatagramNetwork.ts"
import * as DatagramNetworkBatched from "../sockets/DatagramNetworkBatched.ts"
import * as DatagramNetworkConditioned from "../sockets/DatagramNetworkConditioned.ts"
import * as DatagramNetworkPortable from "../sockets/DatagramNetworkPortable.ts"
import type { Impairment } from "../sockets/Impairment.ts"

/** Which of the machine's sockets: `auto` takes the batched one where there is one, the portable one elsewhere. */
export const SocketKind = Schema.Literals(["auto", "batched", "portable"])
export type SocketKind = typeof SocketKind.Type

/** The batched socket was asked for by name, and this machine does not have it. */
export class SocketNotAvailable extends Schema.TaggedError<SocketNotAvailable>()("SocketNotAvailable", {
  message: Schema.String
}) {}

/** The machine's network by the portable socket; with an impairment, what this process sends is treated as badly as that. */
export const layer = (impairment: Impairment | undefined): Layer.Layer<DatagramNetwork> =>
  impaired(DatagramNetworkPortable.layer, impairment)

/** The same by the socket of choice, which says in its port's description why it is the one. */
export const layerOf = (
  kind: SocketKind,
  impairment: Impairment | undefined
): Layer.Layer<DatagramNetwork, SocketNotAvailable> =>
  Layer.unwrap(
    Effect.gen(function* () {
      if (kind === "portable") return layer(impairment)
      const calls = SystemCalls.load()
      if (!("reason" in calls)) return impaired(DatagramNetworkBatched.layer(calls), impairment)
      if (kind === "auto") return impaired(DatagramNetworkPortable.layerFor(calls.reason), impairment)
      return yield* new SocketNotAvailable({
        message: `the batched socket cannot be had: ${calls.reason}. Leave the choice to the relay: auto`
      })
    })
  )

const impaired = (network: Layer.Layer<DatagramNetwork>, impairment: Impairment | undefined) =>
  impairment === undefined ? network : Layer.provide(DatagramNetworkConditioned.layer(impairment), network)
