import { type Clock, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import * as KeyRing from "../../../src/access/KeyRing.ts"
import * as CallActor from "../../../src/actor/CallActor.ts"
import * as SingleRunner from "../../../src/cluster/SingleRunner.ts"
import * as RelayCore from "../../../src/pipeline/RelayCore.ts"
import * as RelayPeers from "../../../src/pipeline/RelayPeers.ts"
import * as Pipeline from "../../../src/server/Pipeline.ts"
import { CallLocator } from "../../../src/actor/CallLocator.ts"
import { RelayId } from "../../../src/protocol/Ids.ts"
import { DatagramNetwork } from "../../../src/sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../../src/sockets/PacketBatch.ts"
import * as Throttle from "../../../src/throttle/Throttle.ts"
import * as Dice from "../Dice.ts"

/** A relay of the real layers, as `Relay.layerWith` puts them together, with its tables in view and dice that can be thrown again. */

export const host = "10.0.0.1"
export const address = `${host}:3478`
export const keyRing = KeyRing.make({ keys: [{ id: "k1", secret: new Uint8Array(32).fill(7) }] })

const ringBytes = 1 << 20

const options: RelayCore.RelayOptions = {
  relayId: RelayId.make("relay"),
  host,
  port: 3478,
  keyRing,
  advertised: undefined,
  audioRingBytes: ringBytes,
  videoRingBytes: ringBytes,
  drainTimeoutMs: 500,
  repair: true
}

/** What stands between the relay and the network. */
export interface Outlet {
  /** Hears of every datagram that the relay sends: to whom, and what. */
  readonly sent: (to: string, datagram: Uint8Array) => void
  /** Nothing gets out: the relay has crashed, though its fibers do not know. */
  isShut: boolean
}

const throughOutlet = (outlet: Outlet) =>
  Layer.effect(
    DatagramNetwork,
    Effect.map(DatagramNetwork, (network) =>
      DatagramNetwork.of({
        open: (opening) =>
          Effect.map(network.open(opening), (port) => ({
            ...port,
            send: (batch) =>
              Effect.suspend(() => {
                if (outlet.isShut) PacketBatch.reset(batch)
                for (let place = 0; place < batch.count; place++) {
                  const bytes = new Uint8Array(PacketBatch.packetBytes(batch, place))
                  PacketBatch.join(batch, place, opening.memory, bytes, 0)
                  outlet.sent(PackedAddress.format(batch.addresses, place), bytes)
                }
                return port.send(batch)
              })
          }))
      })
    )
  )

/** Its call actors live and die with it; the network and the store do not. `seed`: of its tags, tickets and transactions. */
export const layer = (seed: number, outlet: Outlet) => {
  const draw = Dice.ofCase(seed, "relay", 0)
  const random = Layer.succeed(
    SecureRandom.SecureRandom,
    SecureRandom.make((size) => Dice.bytes(draw, size))
  )
  return Pipeline.layer.pipe(
    Layer.provideMerge(RelayCore.layer(options)),
    Layer.provide([CallActor.layer, CallLocator.layer, RelayPeers.layerFixed([])]),
    Layer.provide([random, Throttle.layerOpen, SingleRunner.layer, throughOutlet(outlet)])
  )
}

/** A clock whose wall time is set differently, now by so much and then by so much. Intervals are what they are. */
export const withWallTime = (base: Clock.Clock, aheadMs: () => number): Clock.Clock => {
  const currentTimeMillisUnsafe = () => base.currentTimeMillisUnsafe() + aheadMs()
  const currentTimeNanosUnsafe = () => base.currentTimeNanosUnsafe() + BigInt(aheadMs()) * 1_000_000n
  return {
    currentTimeMillisUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanosUnsafe,
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    monotonicTimeNanosUnsafe: () => base.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: base.monotonicTimeNanos,
    sleep: (duration) => base.sleep(duration)
  }
}
