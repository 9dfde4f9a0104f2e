import { Context, Effect, Layer, Random, Result } from "effect"
import { DatagramNetwork, type DatagramPort, type OpenOptions, portNotOpened } from "../DatagramNetwork.ts"
import * as DueQueue from "../DueQueue.ts"
import * as DueTimer from "../DueTimer.ts"
import * as PackedAddress from "../PackedAddress.ts"
import { join, packetBytes, reset, type SendBatch } from "../PacketBatch.ts"
import * as LinkEmulator from "./LinkEmulator.ts"
import * as Redirections from "./Redirections.ts"
import * as SimulatedPort from "./SimulatedPort.ts"

type HostKey = ReturnType<typeof PackedAddress.hostKey>
type AddressKey = ReturnType<typeof PackedAddress.key>

/**
 * The network behind the ports of a simulation: hosts are IP addresses, and between each two lies a link for each
 * direction. Addresses are text as PackedAddress reads it; a wrong one is a mistake in the simulation, so a defect.
 */
export class SimulatedNetwork extends Context.Service<
  SimulatedNetwork,
  {
    /** Changes one direction, now. */
    readonly setLink: (fromHost: string, toHost: string, options: LinkEmulator.LinkOptions) => Effect.Effect<void>
    /** One direction, with its counters. */
    readonly link: (fromHost: string, toHost: string) => LinkEmulator.LinkEmulator
    /**
     * Gives the port that is seen as `address` another public address, as a NAT does that has forgotten its mapping.
     * What is sent to the old one is lost from then on. The port itself does not notice.
     */
    readonly rebind: (address: string, newAddress: string) => Effect.Effect<void>
    /** The same for all ports of a host, as when a telephone leaves its Wi-Fi for a cellular network. */
    readonly moveHost: (host: string, newHost: string) => Effect.Effect<void>
    /**
     * What is sent to `address`, where no port is, arrives at `target` from now on, as behind a load balancer. What that
     * port answers comes from `address`.
     */
    readonly redirect: (address: string, target: string) => Effect.Effect<void>
    /** Packets that arrived where no port was open. */
    readonly undeliverable: () => number
  }
>()("tandem/sockets/SimulatedNetwork") {}

/** Ports given to whoever asks for port 0, RFC 6335 section 6. */
const dynamicPortFirst = 49152
const portMax = 65535

/** Hosts given to whoever binds all addresses: 198.18.0.0/15 is set apart for tests, RFC 2544. */
const ownHostFirst = (198 << 24) | (18 << 16) | 1

const hostOf = (host: string): Uint32Array => Result.getOrThrow(PackedAddress.fromHost(host, 0))

const addressOf = (address: string): Uint32Array => Result.getOrThrow(PackedAddress.parse(address))

const make = Effect.fnUntraced(function* (defaultLink: LinkEmulator.LinkOptions) {
  const random = yield* Random.Random
  const draw = () => random.nextDoubleUnsafe()

  const ports = new Map<AddressKey, SimulatedPort.SimulatedPort>()
  const links = new Map<HostKey, Map<HostKey, LinkEmulator.LinkEmulator>>()
  const redirections = Redirections.make()
  const inFlight = DueQueue.make<SimulatedPort.Datagram>()
  let undeliverable = 0
  let ownHosts = 0

  const linkBetween = (from: HostKey, to: HostKey): LinkEmulator.LinkEmulator => {
    let linksFrom = links.get(from)
    if (linksFrom === undefined) links.set(from, (linksFrom = new Map()))
    let link = linksFrom.get(to)
    if (link === undefined) linksFrom.set(to, (link = LinkEmulator.make(defaultLink)))
    return link
  }

  const deliverDue = (nowMs: number) => {
    for (let due = DueQueue.take(inFlight, nowMs); due !== undefined; due = DueQueue.take(inFlight, nowMs)) {
      const port = ports.get(PackedAddress.key(due.destination))
      if (port === undefined) undeliverable++
      else SimulatedPort.deliver(port, due, nowMs)
    }
  }
  const timer = yield* DueTimer.make(inFlight, (nowMs) => Effect.sync(() => deliverDue(nowMs)))

  const transmit = (port: SimulatedPort.SimulatedPort, batch: SendBatch) => {
    const nowMs = timer.nowMs()
    const from = PackedAddress.hostKey(port.publicAddress)
    for (let place = 0; place < batch.count; place++) {
      const bytes = new Uint8Array(packetBytes(batch, place))
      join(batch, place, port.memory, bytes, 0)
      const wanted = PackedAddress.take(batch.addresses, place)
      const destination = Redirections.destinationOf(redirections, port.publicAddress, wanted)
      const source = Redirections.sourceOf(redirections, port.publicAddress, destination)
      const link = linkBetween(from, PackedAddress.hostKey(destination))
      const copies = LinkEmulator.transmit(link, nowMs, bytes.length, draw)
      for (let copy = 0; copy < copies; copy++) {
        DueQueue.add(inFlight, link.arrivalsMs[copy]!, { source, destination, bytes })
      }
      port.counters.sent++
      port.counters.sentBytes += bytes.length
    }
    port.counters.sentBatches++
  }

  const send = (port: SimulatedPort.SimulatedPort) => (batch: SendBatch) =>
    Effect.suspend(() => {
      if (port.isClosed) port.counters.droppedSendFailed += batch.count
      else if (batch.count > 0) transmit(port, batch)
      reset(batch)
      return timer.added
    })

  /** The address itself, with a free port if it has none and a host of its own if it means all hosts. */
  const settle = (wanted: Uint32Array): Uint32Array => {
    const address = wanted.slice()
    if (PackedAddress.isUnspecified(address)) address.set([0, 0, 0xffff, ownHostFirst + ownHosts++], 1)
    if (address[0] === 0) {
      address[0] = dynamicPortFirst
      while (ports.has(PackedAddress.key(address)) && address[0] < portMax) address[0]++
    }
    return address
  }

  const open = Effect.fnUntraced(function* (options: OpenOptions) {
    const wanted = PackedAddress.fromHost(options.host, options.port)
    if (Result.isFailure(wanted)) return yield* portNotOpened(options, { detail: wanted.failure.message })
    const address = settle(wanted.success)
    if (ports.has(PackedAddress.key(address))) return yield* portNotOpened(options, "AddressInUse")
    const port = SimulatedPort.make(address, options.memory)
    yield* Effect.acquireRelease(
      Effect.sync(() => ports.set(PackedAddress.key(address), port)),
      () =>
        Effect.sync(() => {
          ports.delete(PackedAddress.key(port.publicAddress))
          SimulatedPort.close(port)
        })
    )
    const opened: DatagramPort = {
      address: address.slice(),
      description: "simulated",
      shortcomings: [],
      pull: SimulatedPort.pull(port),
      send: send(port),
      counters: port.counters
    }
    return opened
  })

  const rebindNow = (port: SimulatedPort.SimulatedPort, wanted: Uint32Array) => {
    const address = settle(wanted)
    if (ports.has(PackedAddress.key(address))) throw new Error(`${PackedAddress.format(address)} is another port's`)
    ports.delete(PackedAddress.key(port.publicAddress))
    port.publicAddress = address
    ports.set(PackedAddress.key(address), port)
  }

  const network = SimulatedNetwork.of({
    setLink: (fromHost, toHost, options) =>
      Effect.sync(() => LinkEmulator.setOptions(network.link(fromHost, toHost), options, timer.nowMs())),
    link: (fromHost, toHost) =>
      linkBetween(PackedAddress.hostKey(hostOf(fromHost)), PackedAddress.hostKey(hostOf(toHost))),
    rebind: (address, newAddress) =>
      Effect.sync(() => {
        const port = ports.get(PackedAddress.key(addressOf(address)))
        if (port === undefined) throw new Error(`no port is open at ${address}`)
        rebindNow(port, addressOf(newAddress))
      }),
    moveHost: (host, newHost) =>
      Effect.sync(() => {
        const key = PackedAddress.hostKey(hostOf(host))
        const moving = Array.from(ports.values()).filter(
          ({ publicAddress }) => PackedAddress.hostKey(publicAddress) === key
        )
        for (const port of moving) {
          const address = hostOf(newHost)
          address[0] = port.publicAddress[0]!
          rebindNow(port, address)
        }
      }),
    redirect: (address, target) =>
      Effect.sync(() => Redirections.set(redirections, addressOf(address), addressOf(target))),
    undeliverable: () => undeliverable
  })

  return Context.make(DatagramNetwork, DatagramNetwork.of({ open })).pipe(Context.add(SimulatedNetwork, network))
})

/**
 * A network in memory on the clock and dice of whoever builds it: under a TestClock time is virtual, and one seed of
 * `Random.withSeed` makes one run. Every link is `defaultLink` until it is set.
 */
export const layer = (
  defaultLink: LinkEmulator.LinkOptions = LinkEmulator.perfect
): Layer.Layer<DatagramNetwork | SimulatedNetwork> => Layer.effectContext(make(defaultLink))
