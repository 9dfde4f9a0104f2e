import { Effect, Layer } from "effect"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as Raw from "../server/RawDevice.ts"

/** What outlives a relay: the network, and the store that its successor finds. */
export const world = Layer.mergeAll(
  SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 }),
  CallStore.layerMemory
)

/** One relay from its start to its end. What it has in memory goes with it. */
export const during = <A, E, R>(life: Effect.Effect<A, E, R>, options: Partial<Relay.Options> = {}) => {
  const relay = Relay.layerWith({
    keyRing: Raw.keyRing,
    host: "10.0.0.1",
    port: 3478,
    audioRingBytes: 1 << 20,
    videoRingBytes: 1 << 20,
    ...options
  }).pipe(Layer.provide([Throttle.layerOpen, SingleRunner.layer]))
  return Effect.provide(life, relay, { local: true })
}
