import { Clock, Duration, Effect, Layer } from "effect"
import { DatagramNetwork, type DatagramPort, type OpenOptions } from "./DatagramNetwork.ts"
import type { PacketBatch, SendBatch } from "./PacketBatch.ts"

export interface LimitedOptions {
  /** Of datagrams received and of datagrams sent, each for itself. More than 0. */
  readonly packetsPerSecond: number
}

/**
 * What is not slept and not forgotten: a shorter debt is carried on, since timers count in milliseconds, and of the time
 * that nothing was to do no more is made up for. Milliseconds.
 */
const slackMs = 1

/** When one of the two directions has paid for its packets. */
interface Direction {
  paidAtMs: number
}

const pay = (self: Direction, costMs: number, nowMs: number): void => {
  self.paidAtMs = Math.max(self.paidAtMs, nowMs - slackMs) + costMs
}

const open = Effect.fnUntraced(function* (
  network: DatagramNetwork["Service"],
  { packetsPerSecond }: LimitedOptions,
  options: OpenOptions
) {
  const port = yield* network.open(options)
  const clock = yield* Clock.Clock
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const packetMs = 1000 / packetsPerSecond
  const received: Direction = { paidAtMs: -Infinity }
  const sent: Direction = { paidAtMs: -Infinity }

  const handOut = Effect.map(port.pull, (batch: PacketBatch) => {
    pay(received, batch.count * packetMs, nowMs())
    return batch
  })
  // It waits before it pulls: what is not pulled yet waits in the system's own buffer, or finds no room there.
  const pull = Effect.suspend(() => {
    const debtMs = Math.max(received.paidAtMs, sent.paidAtMs) - nowMs()
    return debtMs < slackMs ? handOut : Effect.andThen(clock.sleep(Duration.millis(debtMs)), handOut)
  })
  const send = (batch: SendBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      pay(sent, batch.count * packetMs, nowMs())
      return port.send(batch)
    })

  const limited: DatagramPort = {
    address: port.address,
    pull,
    send,
    counters: port.counters,
    description: `${port.description}, at most ${packetsPerSecond} packets a second`,
    shortcomings: port.shortcomings
  }
  return limited
})

/**
 * Any network, with the capacity of a slower machine, for load tests: the larger of what a port receives and what it sends
 * stays within the rate. A reader that has used up its time waits before its next pull, and meanwhile the system keeps
 * what arrives, or drops it when its buffer is full. A send never waits; the next pull waits for it.
 */
export const layer = (options: LimitedOptions): Layer.Layer<DatagramNetwork, never, DatagramNetwork> =>
  Layer.effect(
    DatagramNetwork,
    Effect.gen(function* () {
      const { packetsPerSecond } = options
      if (!(packetsPerSecond > 0 && packetsPerSecond < Infinity)) {
        return yield* Effect.die(new RangeError(`${packetsPerSecond} packets a second: take a number above 0`))
      }
      const network = yield* DatagramNetwork
      return DatagramNetwork.of({ open: (wanted) => open(network, options, wanted) })
    })
  )
