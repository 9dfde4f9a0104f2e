import { Context, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { CallLocator } from "../../src/actor/CallLocator.ts"
import * as RelayCore from "../../src/pipeline/RelayCore.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import * as FleetMembership from "../../src/server/FleetMembership.ts"
import * as Pipeline from "../../src/server/Pipeline.ts"
import { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import type { SimNode } from "../cluster/SimCluster.ts"
import type { SimulatedProcess } from "../cluster/SimulatedProcess.ts"
import * as LegPair from "../media/LegPair.ts"
import * as Raw from "../server/RawDevice.ts"

/** A relay as a node of the cluster: the real layers, as `Relay.layerWith` puts them together, with its tables in view. */
export interface SwarmRelay {
  readonly name: string
  readonly node: SimNode
  readonly core: RelayCore.RelayCore["Service"]
}

export const hostOf = (number: number): string => `10.0.0.${number}`

/** A process that stands still takes nothing in and sends nothing; what has come meanwhile it finds when it goes on. */
const gated = ({ gate }: SimulatedProcess, network: DatagramNetwork["Service"]) =>
  DatagramNetwork.of({
    open: (opening) =>
      Effect.map(network.open(opening), (port) => ({
        ...port,
        pull: Effect.flatMap(port.pull, (batch) => Effect.as(gate, batch)),
        send: (batch) => Effect.andThen(gate, port.send(batch))
      }))
  })

const ringBytes = 1 << 18

export const start = Effect.fnUntraced(function* (node: SimNode, number: number, seed: number) {
  const network = gated(node.process, yield* DatagramNetwork)
  const draw = LegPair.dice(seed ^ (number * 0x9e3779b1))
  const random = SecureRandom.make((size) => Uint8Array.from({ length: size }, () => Math.floor(draw() * 256)))
  const relayId = RelayId.make(`r${number}`)
  const options: RelayCore.RelayOptions = {
    relayId,
    host: hostOf(number),
    port: 3478,
    keyRing: Raw.keyRing,
    advertised: undefined,
    audioRingBytes: ringBytes,
    videoRingBytes: ringBytes,
    drainTimeoutMs: 5000,
    repair: true
  }
  const layer = Pipeline.layer.pipe(
    Layer.provide(FleetMembership.layer),
    Layer.provide(FleetMembership.layerPeers(relayId, [])),
    Layer.provideMerge(RelayCore.layer(options)),
    Layer.provide([
      CallLocator.layer,
      Throttle.layerOpen,
      Layer.succeed(DatagramNetwork, network),
      Layer.succeed(SecureRandom.SecureRandom, random)
    ]),
    Layer.fresh
  )
  // It comes after its node, so it is closed before it.
  const built = yield* node.run(Effect.orDie(Layer.buildWithScope(layer, node.life)))
  const relay: SwarmRelay = { name: relayId, node, core: Context.get(built, RelayCore.RelayCore) }
  return relay
})
