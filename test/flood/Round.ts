import { randomBytes } from "node:crypto"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Cores } from "../bench/Machine.ts"
import * as PinnedProcess from "../bench/PinnedProcess.ts"
import { nowMs } from "../chaos/ChaosEvent.ts"
import * as Dice from "../fuzz/Dice.ts"
import * as ArrivalPlan from "./ArrivalPlan.ts"
import * as CallMix from "./CallMix.ts"
import type * as Order from "./Order.ts"
import * as RelayUnderTest from "./RelayUnderTest.ts"
import * as Timeline from "./Timeline.ts"

/** One flood from beginning to end, with a relay and a generator of its own. */
export interface Round {
  readonly throttle: Order.ThrottleKind
  /** Of calls that come and go. */
  readonly generator: Order.GeneratorAnswer
  /** Of calls that go on all the time, in a process that runs before the generator: what it times is the relay. */
  readonly observer: Order.GeneratorAnswer
  /** One a second, beginning with the normal phase. */
  readonly samples: ReadonlyArray<RelayUnderTest.RelaySample>
  /** When the round began: monotonic, milliseconds. */
  readonly startedAtMs: number
}

export interface Options {
  readonly seed: number
  readonly round: number
  readonly throttle: Order.ThrottleKind
  /** Of the relay. Datagrams a second. */
  readonly capacity: number
  readonly timeline: Timeline.Timeline
  readonly cores: Cores
}

/** What is in use of the capacity in the normal phase, and how many times as often calls come in the flood. */
const normalUtilization = 0.6
const timesInFlood = 8
const observedCalls = 8
/** Short enough that many calls come and go in a phase. Milliseconds. */
const lastsMsMean = 15_000

const sampleEveryMs = 1000
/** For the generator to be ready to begin. Milliseconds. */
const startInMs = 1500
/** Beyond the end of the round; then something is broken. Milliseconds. */
const graceMs = 15_000

const program = Path.join(import.meta.dirname, "GeneratorProcess.ts")

/**
 * Each device keeps 2 to 9 MB for its packets, most of it never touched. As V8 counts them by default, every few joins would be
 * followed by a collection of everything, which costs more than the joins; so a round makes do without one. Threads that help
 * would only wait for the one core. Megabytes.
 */
const nodeFlags = [
  "--external-memory-accounted-in-global-limit",
  "--initial-heap-size=24000",
  "--max-old-space-size=32000",
  "--single-threaded-gc"
]

export const planOf = ({ capacity, round, seed, timeline }: Options): ReadonlyArray<ArrivalPlan.PlannedCall> =>
  ArrivalPlan.make(
    Dice.ofCase(seed, "flood", round),
    timeline,
    ArrivalPlan.paceFor(
      capacity * normalUtilization - observedCalls * CallMix.packetsPerSecondOf(CallMix.kinds["one-to-one-audio"]),
      timesInFlood,
      lastsMsMean
    )
  )

/** Until both have answered, which they do in time or not at all. */
const watch = async (
  relay: RelayUnderTest.RelayUnderTest,
  generator: PinnedProcess.PinnedProcess,
  observer: PinnedProcess.PinnedProcess,
  order: Order.GeneratorOrder
): Promise<Pick<Round, "generator" | "observer" | "samples">> => {
  const samples: Array<RelayUnderTest.RelaySample> = []
  const answered = Promise.all([
    PinnedProcess.nextMessage<Order.GeneratorAnswer>(generator),
    PinnedProcess.nextMessage<Order.GeneratorAnswer>(observer)
  ])
  generator.child.send(order)
  observer.child.send({ ...order, calls: ArrivalPlan.ongoing(order.timeline, observedCalls) })
  const normalAtMs = order.startAtMs + Timeline.startMsOf(order.timeline, "normal")
  const deadlineMs = order.startAtMs + Timeline.endMs(order.timeline) + graceMs
  for (let atMs = normalAtMs; atMs < deadlineMs; atMs += sampleEveryMs) {
    const answer = await Promise.race([answered, sleep(Math.max(0, atMs - nowMs()))])
    if (answer !== undefined) return { generator: answer[0], observer: answer[1], samples }
    samples.push(await relay.sample())
  }
  throw new Error(`the generator is not done: ${generator.complaints.join("\n")}`)
}

export const run = async (options: Options): Promise<Round> => {
  const { capacity, cores, round, seed, throttle, timeline } = options
  const key = { id: "flood", secret: randomBytes(32).toString("base64url") }
  const calls = planOf(options)
  const relay = await RelayUnderTest.start({ key, packetsPerSecond: capacity, throttle }, cores)
  const command = [process.execPath, ...nodeFlags, program]
  const generator = PinnedProcess.start({ name: "the generator", command, core: cores.load, hasPriority: false })
  const observer = PinnedProcess.start({ name: "the observer", command, core: cores.load })
  try {
    const startAtMs = nowMs() + startInMs
    const order = { key, relay: relay.address, timeline, people: `${seed}-${round}`, calls, startAtMs }
    const watched = await watch(relay, generator, observer, order)
    return { throttle, startedAtMs: startAtMs, ...watched }
  } finally {
    await PinnedProcess.end(generator)
    await PinnedProcess.end(observer)
    await relay.end()
  }
}
