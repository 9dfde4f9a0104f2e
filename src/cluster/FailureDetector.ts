import { Clock, Effect, FiberSet, Latch, Layer, Metric, Option } from "effect"
import { RunnerHealth, Runners, ShardingConfig } from "effect/cluster"
import * as Observers from "./Observers.ts"
import * as RunnerAddressText from "./RunnerAddressText.ts"
import { RunnerTable, standingOf, suspicionMs } from "./RunnerTable.ts"

/** Runners that this one has begun to suspect. */
export const suspicionsRaised = Metric.counter("tandem_runner_suspicions_total", { incremental: true })

/** Suspicions that were kept back, since nobody has ever answered this runner. */
export const suspicionsKeptBack = Metric.counter("tandem_runner_suspicions_kept_back_total", { incremental: true })

/** Every peer that this runner observes is asked this often. Milliseconds. */
const pingIntervalMs = 100
/** A pause for garbage, or a burst of packets, may take a peer this long. Milliseconds. */
const pingTimeoutMs = 300
/** One unanswered ping may be one lost connection. */
const missesMax = 2
/**
 * Whoever takes over the calls of a runner that has died is busy, and may be late with its answers. To take it for dead too
 * would give its calls to others who are as busy, and so on.
 */
const missesMaxAfterDeath = 8
/** For so long after a runner was condemned. Milliseconds. */
const afterDeathMs = 10_000
/** A timer that is late by this means that this process stood still, and not the peers. Milliseconds. */
const ownGapMs = 200
/** So often what is still suspected is said again, before it no longer counts. Milliseconds. */
const repeatMs = suspicionMs / 3

/** What this runner has seen of one other. */
interface Peer {
  misses: number
}

/**
 * Notices runners that have died, within half a second, where leases would take several. Every runner pings those whom it
 * has to observe, and says in the table whom it suspects; the verdict is the table's. A runner that has stood still itself
 * has seen nothing: that it heard nobody was its own fault.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const table = yield* RunnerTable
    const runners = yield* Runners.Runners
    const clock = yield* Clock.Clock
    const { runnerAddress } = yield* ShardingConfig.ShardingConfig
    const self = Option.match(runnerAddress, { onNone: () => "", onSome: RunnerAddressText.format })
    const pings = yield* FiberSet.make<void>()
    const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000

    const peers = new Map<string, Peer>()
    /** Open when there is something to say before the next round. */
    const hasNews = Latch.makeUnsafe(false)
    /** Pings that began in another epoch say nothing. */
    let epoch = 0
    let said: ReadonlySet<string> = new Set()
    let saidAtMs = -Infinity
    let condemnedAtMs = -Infinity
    /** Whom nobody has ever answered, as one with keys of another fleet, has no say about the others. */
    let wasAnswered = false
    /** Whom this runner would suspect, had it a say. */
    let keptBack: ReadonlySet<string> = new Set()
    const patience = () => (nowMs() - condemnedAtMs < afterDeathMs ? missesMaxAfterDeath : missesMax)

    const ping = (address: string, peer: Peer) => {
      const startedAtMs = nowMs()
      const startedIn = epoch
      return runners.ping(RunnerAddressText.parse(address)).pipe(
        Effect.timeout(pingTimeoutMs),
        Effect.isSuccess,
        Effect.map((isAnswered) => {
          const isVoid = startedIn !== epoch || nowMs() - startedAtMs >= pingTimeoutMs + ownGapMs
          if (isAnswered) wasAnswered = true
          if (isVoid) return
          peer.misses = isAnswered ? 0 : peer.misses + 1
          if (peer.misses === patience()) hasNews.openUnsafe()
        })
      )
    }

    const pingAll = Effect.fnUntraced(function* (addresses: ReadonlyArray<string>) {
      for (const address of peers.keys()) if (!addresses.includes(address)) peers.delete(address)
      for (const address of addresses) {
        const peer = peers.get(address) ?? { misses: 0 }
        peers.set(address, peer)
        yield* FiberSet.run(pings, ping(address, peer))
      }
    })

    const keepBack = Effect.fnUntraced(function* (suspected: ReadonlySet<string>) {
      const added = [...suspected].filter((address) => !keptBack.has(address))
      keptBack = suspected
      if (added.length === 0) return
      yield* Metric.update(suspicionsKeptBack, added.length)
      yield* Effect.logWarning(
        `this node reaches no other: ${added.join(", ")} did not answer, nor has anybody since it started. If they have the ` +
          "same keys, and run, look for what keeps connections from here from reaching their ports"
      )
    })

    /** Says whom this runner suspects: when that has changed, and before it no longer counts. */
    const say = Effect.fnUntraced(function* (isAnybodyCondemned: boolean) {
      const missesNew = patience()
      // Who is suspected stays so until it answers.
      const isSuspected = (address: string, misses: number) => misses >= (said.has(address) ? missesMax : missesNew)
      const suspected = new Set(
        [...peers].filter(([address, { misses }]) => isSuspected(address, misses)).map(([address]) => address)
      )
      const raised = [...suspected].filter((address) => !said.has(address))
      const isNew = raised.length > 0 || suspected.size < said.size
      if (!wasAnswered) return yield* keepBack(suspected)
      const isDue = (suspected.size > 0 || isAnybodyCondemned) && nowMs() - saidAtMs >= repeatMs
      if (!isNew && !isDue) return
      yield* Metric.update(suspicionsRaised, raised.length)
      yield* table.accuse(self, suspected)
      said = suspected
      saidAtMs = nowMs()
    })

    const round = Effect.gen(function* () {
      const live = yield* table.live
      const isAnybodyCondemned = live.some(({ standing }) => standing === "condemned")
      yield* say(isAnybodyCondemned)
      if (isAnybodyCondemned) condemnedAtMs = nowMs()
      yield* pingAll(Observers.observedBy(self, live.map(standingOf)))
    })

    const rest = Effect.gen(function* () {
      const sinceMs = nowMs()
      yield* Effect.timeoutOption(hasNews.await, pingIntervalMs)
      hasNews.closeUnsafe()
      if (nowMs() - sinceMs < pingIntervalMs + ownGapMs) return
      epoch++
      for (const peer of peers.values()) peer.misses = 0
    })

    // Without the database nobody is condemned.
    yield* Effect.ignore(round).pipe(Effect.andThen(rest), Effect.forever, Effect.forkScoped)
  })
)

/** For the cluster's own, slower check of health, so that it never disagrees with the verdict. */
export const layerHealth = Layer.effect(
  RunnerHealth.RunnerHealth,
  Effect.map(RunnerTable, (table) =>
    RunnerHealth.RunnerHealth.of({
      isAlive: (runner) =>
        table.live.pipe(
          Effect.map((live) =>
            live.some(
              ({ address, standing }) => address === RunnerAddressText.format(runner) && standing !== "condemned"
            )
          ),
          // Unknown is not dead.
          Effect.orElseSucceed(() => true)
        )
    })
  )
)
