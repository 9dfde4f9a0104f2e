import type * as Bottleneck from "./Bottleneck.ts"
import * as GeneratedTrace from "./GeneratedTrace.ts"
import * as Random from "./Random.ts"
import type * as RateTrace from "./RateTrace.ts"
import type * as Scenario from "./Scenario.ts"

/** All scenarios by name: those of RFC 8867 by their section, and some of our own. */

/** RFC 8867 section 4: drop tail, one way delay, and jitter of 30 ms from end to end, which RFC 8868 section 4.5 bounds so. */
const queueMs = 300
const delayMs = 50
const jitterMs = 5
/** Of a camera: more than any share of these links. RFC 8867 leaves 1.5 Mbit/s as its example. Bits a second. */
const videoMaxBps = 5_000_000
const megabit = 1_000_000

const constant = (megabits: number): Bottleneck.Rate => ({ kind: "constant", rateBps: megabits * megabit })

/** Pairs of seconds and Mbit/s. */
const steps = (...pairs: ReadonlyArray<readonly [number, number]>): Bottleneck.Rate => ({
  kind: "steps",
  steps: pairs.map(([seconds, megabits]) => ({ fromMs: seconds * 1000, rateBps: megabits * megabit }))
})

const source = (name: string, fromSeconds = 0): Scenario.Source => ({
  name,
  videoMaxBps,
  presence: { fromMs: fromSeconds * 1000, untilMs: Infinity }
})

const call = (forward: Scenario.Source, wayMs = delayMs): Scenario.Call => ({ delayMs: wayMs, jitterMs, forward })

/** One that is not of the RFC: a short way, without jitter. */
const plain = (name: string, title: string, seconds: number, rate: Bottleneck.Rate): Scenario.Scenario =>
  overRelay(name, title, seconds, rate, [{ delayMs: 25, jitterMs: 0, forward: source("video") }])

const overRelay = (
  name: string,
  title: string,
  seconds: number,
  rate: Bottleneck.Rate,
  calls: ReadonlyArray<Scenario.Call>,
  tcp: ReadonlyArray<Scenario.Tcp> = []
): Scenario.Scenario => ({
  name,
  title,
  durationMs: seconds * 1000,
  hop: "relay",
  bottlenecks: { forward: { rate, queueMs } },
  calls,
  tcp
})

const paused = { fromMs: 40_000, untilMs: 60_000 }

const fixed: ReadonlyArray<Scenario.Scenario> = [
  plain("steady", "1 Mbit/s, from a start of 300 kbit/s", 60, constant(1)),
  plain("drop", "2.5 Mbit/s, 0.6 from 30 s to 60 s, and 2.5 again", 90, steps([0, 2.5], [30, 0.6], [60, 2.5])),
  overRelay(
    "rfc8867-5.1",
    "RFC 8867 5.1: variable available capacity, one flow",
    100,
    steps([0, 1], [40, 2.5], [60, 0.6], [80, 1]),
    [call(source("video"))]
  ),
  overRelay(
    "rfc8867-5.2",
    "RFC 8867 5.2: variable available capacity, two flows",
    125,
    steps([0, 4], [25, 2], [50, 3.5], [75, 1], [100, 2]),
    [call(source("video 1")), call(source("video 2"))]
  ),
  {
    name: "rfc8867-5.3",
    title: "RFC 8867 5.3: congested feedback link, media both ways",
    durationMs: 100_000,
    hop: "devices",
    bottlenecks: {
      forward: { rate: steps([0, 2], [20, 1], [40, 0.5], [60, 2]), queueMs },
      backward: { rate: steps([0, 2], [35, 0.8], [70, 2]), queueMs }
    },
    calls: [{ ...call(source("forward")), backward: source("backward") }],
    tcp: []
  },
  overRelay("rfc8867-5.4", "RFC 8867 5.4: three flows that begin one after another", 120, constant(3.5), [
    call(source("video 1")),
    call(source("video 2", 20)),
    call(source("video 3", 40))
  ]),
  overRelay(
    "rfc8867-5.5",
    "RFC 8867 5.5: five flows with different round trips",
    300,
    constant(4),
    [10, 25, 50, 100, 150].map((wayMs, i) => call(source(`${wayMs} ms`, i * 10), wayMs))
  ),
  overRelay(
    "rfc8867-5.6",
    "RFC 8867 5.6: one flow and a long TCP transfer",
    120,
    constant(2),
    [call(source("video", 5))],
    [{ kind: "long", fromMs: 0, delayMs }]
  ),
  overRelay(
    "rfc8867-5.7",
    "RFC 8867 5.7: two flows and short TCP transfers",
    300,
    constant(2),
    [call(source("video 1", 5)), call(source("video 2", 5))],
    [{ kind: "short", fromMs: 0, delayMs, count: 10, bytesMin: 30_000, bytesMax: 50_000, pauseMeanMs: 10_000 }]
  ),
  overRelay("rfc8867-5.8", "RFC 8867 5.8: three flows, one of which pauses from 40 s to 60 s", 120, constant(3.5), [
    call({ ...source("video 1"), presence: { fromMs: 0, untilMs: Infinity, pause: paused } }),
    call(source("video 2")),
    call(source("video 3"))
  ])
]

/** Over a recording, or over a walk with the seed: a telephone on the move. */
export const overTrace = (trace: RateTrace.RateTrace): Scenario.Scenario =>
  plain("trace", "a rate that a trace gives", 120, { kind: "trace", trace })

export const traced = "trace"

/**
 * A path that carries everything, between machines that stand still for up to a quarter of a second, every 250 to 750 ms: what is
 * late then says nothing of the path.
 */
export const onBusyHost = (seed: string): Scenario.Scenario => {
  const dice = Random.make(seed, "standstills")
  const durationMs = 60_000
  const standstills = []
  for (let nowMs = 3000; nowMs < durationMs; nowMs = standstills.at(-1)!.untilMs) {
    const fromMs = nowMs + 250 + 500 * Random.uniform(dice)
    standstills.push({ fromMs, untilMs: fromMs + 20 + 230 * Random.uniform(dice) })
  }
  const camera = { ...source("video"), videoMaxBps: 600_000 }
  const calls = [{ delayMs: 20, jitterMs: 0, forward: camera }]
  return { ...overRelay(busy, busyTitle, durationMs / 1000, constant(1000), calls), standstills }
}

const busy = "standstills"
const busyTitle = "1 Gbit/s between machines that stand still for up to 250 ms, twice a second"

export const titles: ReadonlyArray<{ readonly name: string; readonly title: string }> = [
  ...fixed.map(({ name, title }) => ({ name, title })),
  { name: busy, title: busyTitle },
  { name: traced, title: "the rate of --trace FILE (Mahimahi), or a walk of our own, as of a telephone on the move" }
]

/** `undefined`: there is none of this name. */
export const byName = (name: string, seed: string, trace?: RateTrace.RateTrace): Scenario.Scenario | undefined => {
  if (name === traced) return overTrace(trace ?? GeneratedTrace.generate(GeneratedTrace.lte, seed, "cell"))
  return name === busy ? onBusyHost(seed) : fixed.find((scenario) => scenario.name === name)
}
