import { Effect, type Latch, Layer } from "effect"
import * as DatagramNetwork from "../../src/sockets/DatagramNetwork.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"

export const relayHost = "10.0.0.1"

/** A network on which the relay's port closes under its reader when the latch opens. */
export const layer = (isClosed: Latch.Latch) =>
  Layer.effect(
    DatagramNetwork.DatagramNetwork,
    Effect.map(DatagramNetwork.DatagramNetwork, (network) =>
      DatagramNetwork.DatagramNetwork.of({
        open: (options) =>
          Effect.map(network.open(options), (port) => {
            const closed = Effect.andThen(isClosed.await, Effect.fail(new DatagramNetwork.PortClosed()))
            if (options.host !== relayHost) return port
            return { ...port, pull: Effect.raceFirst(port.pull, closed) }
          })
      })
    )
  ).pipe(Layer.provide(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 })))
