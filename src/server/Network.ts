import { Layer } from "effect"
import type { DatagramNetwork } from "../sockets/DatagramNetwork.ts"
import * as DatagramNetworkConditioned from "../sockets/DatagramNetworkConditioned.ts"
import * as DatagramNetworkPortable from "../sockets/DatagramNetworkPortable.ts"
import type { Impairment } from "../sockets/Impairment.ts"

/** The machine's network; with an impairment, what this process sends over it is treated as badly as that. */
export const layer = (impairment: Impairment | undefined): Layer.Layer<DatagramNetwork> =>
  impairment === undefined
    ? DatagramNetworkPortable.layer
    : Layer.provide(DatagramNetworkConditioned.layer(impairment), DatagramNetworkPortable.layer)
