import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Random, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Probe from "../../../src/client/probe/Probe.ts"
import type { RelayReport } from "../../../src/client/probe/ProbeReport.ts"
import * as RoundTripStatistics from "../../../src/client/probe/RoundTripStatistics.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../../src/sockets/PacketBatch.ts"
import * as LinkEmulator from "../../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../../src/sockets/simulated/SimulatedNetwork.ts"
import { dice } from "../../media/LegPair.ts"
import { layerRelay, passing, relayAddress } from "../../server/RawDevice.ts"
import { openEndpoint } from "../../suites/DatagramNetworkSuite.ts"
import * as StunAnswerer from "./StunAnswerer.ts"

const address = (text: string): Uint32Array => Result.getOrThrow(PackedAddress.parse(text))

/** Of the relay on the simulated network, each way. */
const latencyMs = 10
const device = "192.0.2.7"
const far = "203.0.113.9:3478"

const probing = (relays: ReadonlyArray<string>, options: Partial<Probe.ProbeOptions> = {}) =>
  Probe.run({
    ...Probe.defaults,
    relays: relays.map((name) => ({ name, address: address(name) })),
    localHosts: [],
    host: device,
    ...options
  })

const probe = (relays: ReadonlyArray<string>, options?: Partial<Probe.ProbeOptions>) =>
  passing(probing(relays, options))

const only = ({ relays }: { readonly relays: ReadonlyArray<RelayReport> }): RelayReport => {
  assert.strictEqual(relays.length, 1)
  return relays[0]!
}

/** Both directions between the device and a host. */
const setLinks = (host: string, options: Partial<LinkEmulator.LinkOptions>) =>
  Effect.flatMap(SimulatedNetwork.SimulatedNetwork, ({ setLink }) => {
    const link = { ...LinkEmulator.perfect, latencyMs, ...options }
    return Effect.andThen(setLink(device, host, link), setLink(host, device, link))
  })

describe("Probe over a relay", () => {
  it.effect("measures the path and nothing else, and sees that nothing translates", () =>
    Effect.gen(function* () {
      const startMs = yield* Clock.currentTimeMillis
      const report = yield* probe([relayAddress])
      const relay = only(report)
      assert.deepInclude(relay, { name: relayAddress, address: relayAddress, requests: 20, answered: 20, lossRatio: 0 })
      assert.deepStrictEqual(relay.rttMs, { min: 20, median: 20, p95: 20, max: 20 })
      assert.strictEqual(relay.jitterMs, 0)
      assert.strictEqual(relay.mappedAddress, `${device}:${report.localPort}`)
      assert.isFalse(relay.isBehindNat)
      assert.deepStrictEqual(report.nat, { ipv4: { mapping: "no-nat", isPortPreserved: null }, ipv6: null })
      // The opening request and 20 others, 200 ms apart, and the last answer: not the timeout.
      assert.strictEqual((yield* Clock.currentTimeMillis) - startMs, 20 * 200 + 20)
    }).pipe(Effect.scoped, Effect.provide(layerRelay()))
  )

  it.effect("asks slowly enough for a relay's limit, which it would notice otherwise", () =>
    Effect.gen(function* () {
      const fastest = yield* probe([relayAddress], { count: 100, intervalMs: Probe.intervalMsMin })
      assert.strictEqual(only(fastest).answered, 100)
      yield* TestClock.adjust("2 seconds")
      const tooFast = yield* probe([relayAddress], { count: 100, intervalMs: 50 })
      assert.isBelow(only(tooFast).answered, 70)
    }).pipe(Effect.scoped, Effect.provide(layerRelay()))
  )

  it.effect("counts what the links lose, each request once", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const fiber = yield* Effect.forkChild(probing([relayAddress], { count: 300 }), { startImmediately: true })
      yield* TestClock.adjust("100 millis") // the opening request is through
      yield* setLinks("10.0.0.1", { lossRatio: 0.2, jitterMs: 5 })
      yield* TestClock.adjust("2 minutes")
      const relay = only(yield* Fiber.join(fiber))
      const lost = network.link(device, "10.0.0.1").lost + network.link("10.0.0.1", device).lost
      assert.strictEqual(relay.requests, 300)
      assert.strictEqual(relay.requests - relay.answered, lost)
      assert.isAbove(lost, 60)
      assert.isBelow(lost, 160)
      assert.isAtLeast(relay.rttMs!.min, 20)
      assert.isAtMost(relay.rttMs!.max, 30)
      assert.isAbove(relay.jitterMs!, 1)
    }).pipe(Effect.scoped, Effect.provide(layerRelay()), Random.withSeed("probe-loss-1"))
  )

  it.effect("ignores whatever comes twice", () =>
    Effect.gen(function* () {
      yield* setLinks("10.0.0.1", { duplicateRatio: 1, jitterMs: 40 })
      const relay = only(yield* probe([relayAddress]))
      assert.deepInclude(relay, { requests: 20, answered: 20, lossRatio: 0 })
      assert.isAtMost(relay.rttMs!.max, 100)
    }).pipe(Effect.scoped, Effect.provide(layerRelay()), Random.withSeed("probe-duplicates-1"))
  )

  it.effect("sees a translator that gives the device another address, and one that does so meanwhile", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const run = Effect.fnUntraced(function* (...mappings: ReadonlyArray<string>) {
        const fiber = yield* Effect.forkChild(probing([relayAddress]), { startImmediately: true })
        let publicAddress = `${device}:49152`
        for (const next of mappings) {
          yield* network.rebind(publicAddress, next)
          publicAddress = next
          yield* TestClock.adjust("1 second")
        }
        yield* TestClock.adjust("10 seconds")
        return yield* Fiber.join(fiber)
      })
      const constant = yield* run("198.51.100.7:49152")
      assert.strictEqual(only(constant).mappedAddress, "198.51.100.7:49152")
      assert.isTrue(only(constant).isBehindNat)
      assert.deepStrictEqual(constant.nat.ipv4, { mapping: "unknown-one-relay", isPortPreserved: true })

      const changing = yield* run("198.51.100.7:6000", "198.51.100.7:6001")
      assert.strictEqual(only(changing).mappedAddress, "198.51.100.7:6001")
      assert.deepStrictEqual(changing.nat.ipv4, { mapping: "unknown-unstable", isPortPreserved: false })
    }).pipe(Effect.scoped, Effect.provide(layerRelay()))
  )
})

describe("Probe over several relays", () => {
  it.effect("sorts the best first, and waits for the dead no longer than the timeout", () =>
    Effect.gen(function* () {
      yield* StunAnswerer.open("10.0.0.2:3478")
      yield* StunAnswerer.open("10.0.0.3:3478", (_, n) => (n % 4 === 1 ? {} : { mapped: address(`${device}:49152`) }))
      yield* setLinks("10.0.0.2", { latencyMs: 4 })
      const startMs = yield* Clock.currentTimeMillis
      const dead = "10.0.0.4:3478"
      const report = yield* probe([dead, "10.0.0.3:3478", relayAddress, "10.0.0.2:3478"])
      const rows = report.relays.map(({ lossRatio, name, rttMs }) => [name, rttMs?.median ?? null, lossRatio])
      assert.deepStrictEqual(rows, [
        ["10.0.0.2:3478", 8, 0],
        [relayAddress, 20, 0],
        ["10.0.0.3:3478", 20, 0.25],
        [dead, null, 1]
      ])
      assert.deepInclude(report.relays[3]!, { answered: 0, jitterMs: null, mappedAddress: null, isBehindNat: null })
      assert.strictEqual(report.nat.ipv4?.mapping, "no-nat")
      // The dead one takes its turn first in each interval.
      assert.strictEqual((yield* Clock.currentTimeMillis) - startMs, 20 * 200 + 1000)
    }).pipe(Effect.scoped, Effect.provide(layerRelay()))
  )

  it.effect("asks all from one port, taking turns", () =>
    Effect.gen(function* () {
      const atMs: Array<number> = []
      const clock = yield* Clock.Clock
      const note = (source: Uint32Array) => {
        atMs.push(clock.currentTimeMillisUnsafe())
        return { mapped: source }
      }
      const hosts = ["10.0.0.2:3478", "10.0.0.3:3478", "10.0.0.4:3478", "[2001:db8::4]:3478"]
      const answerers = yield* Effect.forEach(hosts, (host) => StunAnswerer.open(host, note))
      const report = yield* probe(hosts, { count: 2 })
      const sources = new Set(answerers.flatMap(({ asked }) => asked))
      assert.deepStrictEqual([...sources], [`${device}:${report.localPort}`])
      assert.deepStrictEqual(
        atMs.map((ms) => ms - atMs[0]!),
        Array.from({ length: 12 }, (_, turn) => turn * 50)
      )
      assert.strictEqual(report.nat.ipv6?.mapping, "no-nat")
    }).pipe(Effect.scoped, Effect.provide(layerRelay()))
  )

  it.effect("counts each answer for its own request, whatever overtakes what, and none that is late", () =>
    Effect.gen(function* () {
      const draw = dice(8489)
      // Far more than the interval, and some more than the timeout. The last one of all is waited for to its end.
      const holdsMs = [...Array.from({ length: 199 }, () => Math.floor(draw() * 1200)), 720, 975]
      yield* StunAnswerer.open(far, (source, n) => ({ mapped: source, afterMs: holdsMs[n]!, copies: 1 + (n % 2) }))
      const relay = only(yield* probe([far], { count: 200 }))
      const expected = RoundTripStatistics.of(
        holdsMs.slice(1).map((holdMs) => (20 + holdMs <= 1000 ? 20 + holdMs : undefined))
      )
      assert.isBelow(expected.answered, 180)
      assert.deepStrictEqual(relay.rttMs, expected.rttMs)
      assert.strictEqual(relay.answered, expected.answered)
      assert.approximately(relay.jitterMs!, expected.jitterMs!, 0.001)
    }).pipe(Effect.scoped, Effect.provide(layerRelay()))
  )

  it.effect("believes nobody who was not asked, and stays up under nonsense", () =>
    Effect.gen(function* () {
      const stranger = yield* openEndpoint("10.0.0.66", 3478)
      const nonsense = Effect.gen(function* () {
        for (const bytes of [[], [0], [0x80, 1, 2], Array(1400).fill(255)]) {
          PacketBatch.addBytes(stranger.batch, stranger.memory, Uint8Array.from(bytes), address(`${device}:49152`), 0)
        }
        yield* stranger.port.send(stranger.batch)
      })
      const fiber = yield* Effect.forkChild(probing([relayAddress]), { startImmediately: true })
      for (let second = 0; second < 5; second++) yield* Effect.andThen(nonsense, TestClock.adjust("1 second"))
      assert.deepInclude(only(yield* Fiber.join(fiber)), {
        answered: 20,
        rttMs: { min: 20, median: 20, p95: 20, max: 20 }
      })
    }).pipe(Effect.scoped, Effect.provide(layerRelay()))
  )

  it.effect("tells an error from silence", () =>
    Effect.gen(function* () {
      yield* StunAnswerer.open(far, () => ({ errorCode: 401 }))
      const report = yield* probe([far])
      assert.deepInclude(only(report), { answered: 20, errorCode: 401, mappedAddress: null, isBehindNat: null })
      assert.deepStrictEqual(report.nat.ipv4, { mapping: "unknown-no-answer", isPortPreserved: null })
    }).pipe(Effect.scoped, Effect.provide(layerRelay()))
  )
})

describe("Probe through a translator", () => {
  const a1 = "203.0.113.1:3478"
  const a2 = "203.0.113.1:3479"
  const b1 = "203.0.113.2:3478"

  /** Servers behind a translator that maps by `key`: each new one takes the next port. */
  const through = (key: (relay: string) => string, ...relays: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const ports = new Map<string, number>()
      for (const relay of relays) {
        const mapping = key(relay)
        if (!ports.has(mapping)) ports.set(mapping, 60_000 + ports.size)
        const mapped = address(`198.51.100.7:${ports.get(mapping)!}`)
        yield* StunAnswerer.open(relay, () => ({ mapped }))
      }
      return (yield* probe(relays, { count: 1 })).nat.ipv4?.mapping
    }).pipe(Effect.scoped, Effect.provide(layerRelay()))

  const host = (relay: string): string => relay.split(":")[0]!
  const cases = [
    ["endpoint-independent", () => "", [a1, a2, b1], "endpoint-independent"],
    ["address-dependent", host, [a1, a2, b1], "address-dependent"],
    ["address-and-port-dependent", (relay: string) => relay, [a1, a2, b1], "address-and-port-dependent"],
    ["address-dependent, by one port each", host, [a1, b1], "endpoint-dependent"],
    ["address-dependent, by one address", host, [a1, a2], "not-port-dependent"],
    ["any, by one relay", () => "", [a1], "unknown-one-relay"]
  ] as const
  for (const [name, key, relays, expected] of cases) {
    it.effect(`that is ${name}: ${expected}`, () =>
      Effect.map(through(key, ...relays), (mapping) => assert.strictEqual(mapping, expected))
    )
  }
})
