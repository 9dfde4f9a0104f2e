import { Clock, Effect, Fiber, Logger, Random } from "effect"
import { TestClock } from "effect/testing"
import * as CallVersion from "../../src/call/CallVersion.ts"
import { CallId } from "../../src/protocol/Ids.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import { CallStore } from "../../src/state/CallStore.ts"
import * as SimCluster from "../cluster/SimCluster.ts"
import * as Raw from "../server/RawDevice.ts"
import * as SwarmChecks from "./SwarmChecks.ts"
import * as SwarmDevice from "./SwarmDevice.ts"
import * as SwarmRelay from "./SwarmRelay.ts"

export interface Options {
  readonly seed: number
  readonly steps: number
}

/** What may happen, and how often beside the others. */
const failures = ["kill", "kill", "leave", "stop", "resume", "cut", "heal", "store", "burst", "calm"] as const

/** One to one, and a group; participants of each sit on different relays. */
const calls: ReadonlyArray<readonly [call: string, devices: ReadonlyArray<number>]> = [
  ["pair", [1, 2]],
  ["group", [3, 4, 5]]
]
const relaysFirst = 3
const latencyMs = 5
/** Of bad times between two events. Milliseconds. */
const pauseMsMin = 300
const pauseMsMax = 2500
const stepMs = 50
/** After the last event everything has time to come right. */
const settle = "8 seconds"
const examMs = 1000

/**
 * One run of a swarm: relays that are nodes of a cluster, over one database and two simulated networks, and devices in calls;
 * then failures, drawn by the seed; then peace, in which every promise must hold. Returns what does not.
 */
export const run = Effect.fnUntraced(function* ({ seed, steps }: Options) {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  const sim = yield* SimCluster.make()
  const broken: Array<string> = []
  const log: Array<string> = []
  const startedAtMs = yield* Clock.currentTimeMillis
  const note = Effect.fnUntraced(function* (text: string) {
    log.push(`${((yield* Clock.currentTimeMillis) - startedAtMs) / 1000} s ${text}`)
  })

  let relays: ReadonlyArray<SwarmRelay.SwarmRelay> = []
  const stopped = new Set<SwarmRelay.SwarmRelay>()
  let nextNumber = 1
  const startRelay = Effect.suspend(() => {
    const number = nextNumber++
    return Effect.flatMap(sim.start(number), (node) => SwarmRelay.start(node, number, seed))
  })
  const passing = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(stepMs)
    return yield* Fiber.join(fiber)
  })

  relays = yield* Effect.replicateEffect(passing(startRelay), relaysFirst)
  yield* TestClock.adjust("3 seconds")
  const devices: Array<SwarmDevice.SwarmDevice> = []
  for (const [call, numbers] of calls) {
    for (const number of numbers) {
      // The first one that it asks is another for each.
      const hosts = relays.map((_, index) => SwarmRelay.hostOf(1 + ((index + number) % relaysFirst)))
      devices.push(
        yield* passing(
          SwarmDevice.join(
            number,
            call,
            hosts.map((host) => `${host}:3478`),
            seed
          )
        )
      )
    }
  }
  yield* TestClock.adjust("2 seconds")

  const versions = new Map<string, CallVersion.CallVersion>()
  /** By the database, past all nodes. */
  const lookAtVersions = Effect.gen(function* () {
    for (const [call] of calls) {
      const stored = yield* relays
        .find((relay) => !stopped.has(relay) && !relay.node.process.isStoreAway)!
        .node.run(Effect.flatMap(CallStore, (store) => store.load(CallId.make(call))))
      const before = versions.get(call)
      if (before !== undefined && CallVersion.isNewer(before, stored.version)) {
        broken.push(`the version of ${call} fell from ${JSON.stringify(before)} to ${JSON.stringify(stored.version)}`)
      }
      versions.set(call, stored.version)
    }
  }).pipe(Effect.orDie)

  const pick = <A>(values: ReadonlyArray<A>) =>
    Effect.map(Random.nextIntBetween(0, values.length - 1), (index) => values[index]!)
  const setLink = (a: string, b: string, lossRatio: number) => {
    const link = { ...LinkEmulator.perfect, latencyMs, lossRatio }
    return Effect.andThen(network.setLink(a, b, link), network.setLink(b, a, link))
  }
  const hostOf = ({ name }: SwarmRelay.SwarmRelay) => SwarmRelay.hostOf(Number(name.slice(1)))
  const cuts: Array<readonly [string, string]> = []
  const heal = Effect.suspend(() => {
    sim.sockets.heal()
    return Effect.forEach(cuts.splice(0), ([a, b]) => setLink(a, b, 0), { discard: true })
  })
  /**
   * So soon devices are told of a relay that has come. One that knows of no relay which still lives is lost, and nobody could
   * tell it: the last one that is known is spared.
   */
  const knownAfterMs = 2500
  const startedAt = new Map<SwarmRelay.SwarmRelay, number>()
  const areOthersKnown = Effect.fnUntraced(function* (victim: SwarmRelay.SwarmRelay) {
    const now = yield* Clock.currentTimeMillis
    const known = relays.filter((relay) => relay !== victim && !stopped.has(relay))
    return known.some((relay) => now - (startedAt.get(relay) ?? 0) >= knownAfterMs)
  })
  const replace = Effect.fnUntraced(function* (victim: SwarmRelay.SwarmRelay) {
    stopped.delete(victim)
    relays = relays.filter((relay) => relay !== victim)
    const successor = yield* passing(startRelay)
    startedAt.set(successor, yield* Clock.currentTimeMillis)
    relays = [...relays, successor]
  })

  for (let step = 0; step < steps; step++) {
    const failure = yield* pick(failures)
    const running = relays.filter((relay) => !stopped.has(relay))
    const victim = yield* pick(running)
    const other = yield* pick(relays.filter((relay) => relay !== victim))
    yield* note(`${failure} ${victim.name} ${failure === "cut" ? other.name : ""}`)
    switch (failure) {
      case "kill":
        if (!(yield* areOthersKnown(victim))) break
        victim.node.kill()
        yield* replace(victim)
        break
      case "leave":
        if (!(yield* areOthersKnown(victim))) break
        yield* Effect.forkDetach(victim.node.leave)
        yield* replace(victim)
        break
      case "stop":
        if (!(yield* areOthersKnown(victim))) break
        if (running.length < relaysFirst) break
        victim.node.process.stop()
        stopped.add(victim)
        break
      case "resume":
        for (const relay of stopped) relay.node.process.resume()
        stopped.clear()
        break
      case "cut":
        if (cuts.length > 0) break
        sim.sockets.cut(victim.node.process, other.node.process)
        cuts.push([hostOf(victim), hostOf(other)])
        yield* setLink(hostOf(victim), hostOf(other), 1)
        break
      case "heal":
        yield* heal
        break
      case "store":
        for (const { node } of relays) node.process.isStoreAway = true
        yield* TestClock.adjust("1500 millis")
        for (const { node } of relays) node.process.isStoreAway = false
        break
      case "burst": {
        const { number } = yield* pick(devices)
        const hosts = relays.map(hostOf)
        yield* Effect.forEach(hosts, (host) => setLink(`10.0.1.${number}`, host, 1), { discard: true })
        yield* TestClock.adjust("250 millis")
        yield* Effect.forEach(hosts, (host) => setLink(`10.0.1.${number}`, host, 0), { discard: true })
        break
      }
      case "calm":
        break
    }
    const pauseMs = yield* Random.nextIntBetween(pauseMsMin, pauseMsMax)
    for (let passedMs = 0; passedMs < pauseMs; passedMs += stepMs) yield* TestClock.adjust(stepMs)
    yield* lookAtVersions
  }

  yield* note("peace")
  yield* heal
  for (const relay of stopped) relay.node.process.resume()
  stopped.clear()
  yield* passing(Effect.sleep(settle))
  const before = devices.map(({ said }) => said)
  yield* passing(Effect.sleep(examMs))
  const until = devices.map(({ said }) => said)
  yield* passing(Effect.sleep(examMs))
  yield* lookAtVersions
  broken.push(
    ...SwarmChecks.ended(devices),
    ...SwarmChecks.strangers(devices),
    ...SwarmChecks.doubles(devices),
    ...SwarmChecks.unheard(devices, before, until)
  )

  yield* note("all leave")
  yield* passing(Effect.forEach(devices, ({ leave }) => leave, { concurrency: "unbounded", discard: true }))
  yield* passing(Effect.sleep("15 seconds"))
  broken.push(
    ...(yield* SwarmChecks.leftovers(
      relays,
      calls.map(([call]) => call)
    ))
  )
  log.push(...SwarmChecks.stories(devices, startedAtMs))
  return { seed, broken, log, moves: yield* SwarmChecks.moves(devices) }
})

/** In virtual time, on a clock and a network of its own. */
export const inVirtualTime = (options: Options) =>
  run(options).pipe(
    Effect.provide(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs })),
    Effect.scoped,
    Raw.inThePresent,
    Random.withSeed(options.seed),
    // What they say about a database that is away is no news here.
    Effect.provide([TestClock.layer(), Logger.layer([])])
  )
