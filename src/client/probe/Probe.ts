import { Clock, Effect, Latch, type Scope } from "effect"
import * as Stun from "../../protocol/Stun.ts"
import { DatagramNetwork, type DatagramPort, type PortNotOpened } from "../../sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import * as PacketBatch from "../../sockets/PacketBatch.ts"
import * as PacketMemory from "../../sockets/PacketMemory.ts"
import { SecureBytes } from "../SecureBytes.ts"
import * as BindingExchange from "./BindingExchange.ts"
import * as ProbeReport from "./ProbeReport.ts"

export interface ProbeOptions extends ProbeReport.Schedule {
  /** Whom to ask, by IPv4 or IPv6, each address once. */
  readonly relays: ReadonlyArray<ProbeReport.NamedRelay>
  /** Addresses of this machine: packed, their ports do not matter. The one that is bound need not be among them. */
  readonly localHosts: ReadonlyArray<Uint32Array>
  /** IP address to bind; all of the machine's when left out. */
  readonly host?: string
}

/**
 * Five a second is half of what a relay answers to one source prefix (docs/protocol.md, "Binding"), so that a second one
 * who asks from the same network does not make it look like loss.
 */
export const defaults: ProbeReport.Schedule = { count: 20, intervalMs: 200, timeoutMs: 1000 }

/** 8 a second: beyond, what a relay leaves unanswered because of its limit would look like loss. Milliseconds. */
export const intervalMsMin = 125

/** So many relays take their turns some milliseconds apart. */
export const relaysMax = 32

/** More answers than come between two pulls. Packets. */
const receiveSlots = 64
const requestBytes = Stun.headerBytes

/**
 * Asks every relay from one local port, and ends when everything is answered or too late. The relays take turns, spread
 * evenly over the interval, and each request is a send of its own: its time is read right before, and the time of an
 * answer right after it was pulled, both on the monotonic clock in nanoseconds. What lies between them is the path and
 * back, the relay, and what the two processes take to wake up.
 */
export const run = Effect.fn("Probe.run")(function* (
  options: ProbeOptions
): Effect.fn.Return<ProbeReport.ProbeReport, PortNotOpened, DatagramNetwork> {
  const addresses = options.relays.map(({ address }) => address)
  const exchange = BindingExchange.make(addresses, options.timeoutMs)
  const local = yield* Effect.scoped(converse(options, exchange))
  const localHosts = PackedAddress.isUnspecified(local) ? options.localHosts : [...options.localHosts, local]
  return ProbeReport.make({ ...options, local: { hosts: localHosts, port: local[0]! } }, exchange)
})

/** Has the whole exchange, and returns the packed address that its port was bound to. */
const converse = Effect.fnUntraced(function* (
  options: ProbeOptions,
  exchange: BindingExchange.BindingExchange
): Effect.fn.Return<Uint32Array, PortNotOpened, DatagramNetwork | Scope.Scope> {
  const network = yield* DatagramNetwork
  const clock = yield* Clock.Clock
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const memory = PacketMemory.make({ receiveSlots, ownerBytes: requestBytes })
  const port = yield* network.open({ host: options.host ?? hostFor(options.relays), port: 0, memory })

  const answered = Latch.makeUnsafe()
  yield* port.pull.pipe(
    Effect.map((batch) => {
      handleBatch(exchange, memory, batch, nowMs())
      answered.openUnsafe()
    }),
    Effect.forever,
    Effect.ignore,
    Effect.forkScoped({ startImmediately: true })
  )

  const sender = yield* makeSender(exchange, port, memory, nowMs)
  yield* askAll(options, exchange, sender, nowMs)
  const settle: Effect.Effect<void> = Effect.suspend(() => {
    const waitMs = (BindingExchange.deadlineMs(exchange) ?? -Infinity) - nowMs()
    if (waitMs <= 0) return Effect.void
    answered.closeUnsafe()
    return Effect.andThen(Effect.raceFirst(answered.await, Effect.sleep(waitMs)), settle)
  })
  yield* settle
  sender.noteFailed()
  return port.address
})

/** One port for all: of both families when there is a relay to be asked by IPv6. */
const hostFor = (relays: ReadonlyArray<ProbeReport.NamedRelay>): string =>
  relays.every(({ address }) => PackedAddress.isIpv4(address)) ? "0.0.0.0" : "::"

const handleBatch = (
  exchange: BindingExchange.BindingExchange,
  memory: PacketMemory.PacketMemory,
  batch: PacketBatch.PacketBatch,
  nowMs: number
): void => {
  for (let i = 0; i < batch.count; i++) {
    const offset = batch.offsets[i]!
    const datagram = memory.bytes.subarray(offset, offset + batch.lengths[i]!)
    BindingExchange.handleDatagram(exchange, PackedAddress.take(batch.addresses, i), datagram, nowMs)
  }
}

/** Sends single requests, and notes those that the system refuses: a port counts them some time after the send. */
const makeSender = Effect.fnUntraced(function* (
  exchange: BindingExchange.BindingExchange,
  port: DatagramPort,
  memory: PacketMemory.PacketMemory,
  nowMs: () => number
) {
  const secureBytes = yield* SecureBytes
  const out = PacketBatch.makeSendBatch({
    capacity: 1,
    scratchOffset: memory.ownerOffset,
    scratchBytes: requestBytes
  })
  let last: Uint8Array | undefined
  let failedBefore = 0
  const noteFailed = (): void => {
    const failed = port.counters.droppedSendFailed
    if (last !== undefined && failed > failedBefore) BindingExchange.handleSendFailed(exchange, last)
    failedBefore = failed
  }
  const send = (relay: BindingExchange.AskedRelay, counts: boolean): Effect.Effect<void> =>
    Effect.suspend(() => {
      noteFailed()
      const transactionId = new Uint8Array(secureBytes(Stun.transactionIdBytes))
      last = transactionId
      PacketBatch.addBytes(out, memory, BindingExchange.request(transactionId), relay.address, 0)
      BindingExchange.handleSent(exchange, relay, { transactionId, counts }, nowMs())
      return port.send(out)
    })
  return { send, noteFailed }
})

/**
 * Sends every request at its time, or as soon after as this process is woken. Each relay gets one more in the beginning,
 * which does not count.
 */
const askAll = Effect.fnUntraced(function* (
  { count, intervalMs }: ProbeOptions,
  { relays }: BindingExchange.BindingExchange,
  sender: Effect.Success<ReturnType<typeof makeSender>>,
  nowMs: () => number
) {
  const startMs = nowMs()
  for (let turn = 0; turn < (1 + count) * relays.length; turn++) {
    yield* Effect.sleep(Math.max(0, startMs + (turn / relays.length) * intervalMs - nowMs()))
    yield* sender.send(relays[turn % relays.length]!, turn >= relays.length)
  }
})
