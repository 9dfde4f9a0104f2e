import { Effect, Random, type Scope } from "effect"
import type { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import { SecureBytes } from "../../src/client/SecureBytes.ts"
import type * as Relay from "../../src/server/Relay.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { dice } from "../media/LegPair.ts"
import * as Raw from "../server/RawDevice.ts"

/** The relay's layers and clients of them on one simulated network, in virtual time. */

export const hosts = { ada: "10.0.0.2", lin: "10.0.0.3" } as const
export type Name = keyof typeof hosts

const [relayHost] = Raw.relayAddress.split(":") as [string]

/** Every link between a device and the relay, both ways. */
export const setLinks = Effect.fnUntraced(function* (options: Partial<LinkEmulator.LinkOptions>) {
  for (const host of Object.values(hosts)) yield* setLink(host, options)
})

/** The links between one host and the relay, both ways. */
export const setLink = Effect.fnUntraced(function* (host: string, options: Partial<LinkEmulator.LinkOptions>) {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  const link = { ...LinkEmulator.perfect, latencyMs: 10, ...options }
  yield* network.setLink(host, relayHost, link)
  yield* network.setLink(relayHost, host, link)
})

/** Runs in a network of its own, with a relay, on a clock of its own, with dice of its own. */
export const scene = <A, E>(
  seed: number,
  test: Effect.Effect<A, E, DatagramNetwork | SimulatedNetwork.SimulatedNetwork | Scope.Scope>,
  options: Partial<Relay.Options> = {}
) => {
  const draw = dice(seed)
  const secureBytes = (size: number) => Uint8Array.from({ length: size }, () => Math.floor(draw() * 256))
  return test.pipe(
    Effect.provide(Raw.layerRelay(options)),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent,
    Effect.provideService(SecureBytes, secureBytes),
    Random.withSeed(seed)
  )
}
