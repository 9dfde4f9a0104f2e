import { Effect, Layer, Logger } from "effect"
import * as KeyRing from "../../src/access/KeyRing.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as Network from "../../src/server/Network.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as StateLayer from "../../src/server/StateLayer.ts"
import * as DatagramNetworkLimited from "../../src/sockets/DatagramNetworkLimited.ts"
import * as LoadMeter from "../../src/throttle/LoadMeter.ts"
import * as ThrottleAdaptive from "../../src/throttle/ThrottleAdaptive.ts"
import type * as Order from "./Order.ts"

/** A relay that can do so much and no more, a process of its own: it runs until it is ended. */

/** It measures in both cases, and refuses in one. */
const throttleOf = ({ packetsPerSecond, throttle }: Order.RelayOrder) =>
  Layer.provide(
    throttle === "adaptive" ? ThrottleAdaptive.layer : ThrottleAdaptive.layerOff,
    LoadMeter.layer({ capacityPerSecond: packetsPerSecond })
  )

const layerOf = (order: Order.RelayOrder) => {
  const { key, packetsPerSecond } = order
  const secret = new Uint8Array(Buffer.from(key.secret, "base64url"))
  return Relay.layerWith({
    keyRing: KeyRing.make({ keys: [{ id: key.id, secret }] }),
    host: "127.0.0.1",
    port: 0,
    admin: { host: "127.0.0.1", port: 0 }
  }).pipe(
    Layer.provide([
      DatagramNetworkLimited.layer({ packetsPerSecond }).pipe(Layer.provide(Network.layerOf("auto", undefined))),
      throttleOf(order),
      SingleRunner.layer,
      StateLayer.layer({ kind: "memory" })
    ]),
    Layer.provide(Logger.layer([Logger.consoleLogFmt]))
  )
}

const run = (order: Order.RelayOrder) =>
  Effect.gen(function* () {
    const { address, adminPort } = yield* Relay.Relay
    process.send!({ address, http: `http://127.0.0.1:${adminPort}` } satisfies Order.RelayReady)
    return yield* Effect.never
  }).pipe(Effect.provide(layerOf(order)))

process.once("message", (order: Order.RelayOrder) => void Effect.runFork(run(order)))
process.on("disconnect", () => process.exit(0))
