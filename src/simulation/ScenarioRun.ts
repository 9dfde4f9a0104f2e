import * as AudioSource from "./AudioSource.ts"
import * as Bottleneck from "./Bottleneck.ts"
import * as EventHeap from "./EventHeap.ts"
import * as FreezeMeter from "./FreezeMeter.ts"
import type * as LabDevice from "./LabDevice.ts"
import type * as LabPath from "./LabPath.ts"
import * as Link from "./Link.ts"
import * as Random from "./Random.ts"
import type * as Scenario from "./Scenario.ts"
import * as ScenarioReport from "./ScenarioReport.ts"
import * as ScenarioSummary from "./ScenarioSummary.ts"
import * as TcpFlow from "./TcpFlow.ts"
import * as Topology from "./Topology.ts"

/** Runs a scenario: builds its calls and transfers on one clock, looks at all of them every 100 ms, and reports. */

/** From the relay to the device at the other end: of the picture that is seen, not of the hop. Milliseconds. */
const beyondRelayMs = 10
/** Behind which nothing repairs any more in time to be seen. Milliseconds. */
const playoutDelayMs = 300

/** The same bytes for the same seed. */
export const run = (scenario: Scenario.Scenario, seed: string): ScenarioReport.ScenarioReport => {
  const heap = EventHeap.make()
  heap.standstills = scenario.standstills ?? []
  const links = new Map<ScenarioReport.Direction, Link.Link>()
  for (const direction of ScenarioReport.directions) {
    const shape = scenario.bottlenecks[direction]
    if (shape !== undefined) links.set(direction, bottleneckOf(shape, seed, direction))
  }
  const calls = scenario.calls.map((call, i) => makeCall(scenario, call, { heap, links, seed: `${seed} call ${i}` }))
  const watched = [
    ...scenario.calls.flatMap((described, i) => watchCall(described, calls[i]!, heap)),
    ...scenario.tcp.map((traffic, i) => startTcp(traffic, i, links.get("forward")!, heap, seed))
  ]
  const bottlenecks = [...links].map(([direction, link]) => watchLink(scenario, direction, link))
  // After a standstill, the looks that were missed are made up for.
  const look = EventHeap.register(heap, (atMs) => {
    for (const { note } of watched) note()
    for (const { note } of bottlenecks) note(atMs)
    const nextMs = atMs + ScenarioReport.stepMs
    if (atMs < scenario.durationMs) EventHeap.schedule(heap, nextMs, look, nextMs)
  })
  EventHeap.schedule(heap, ScenarioReport.stepMs, look, ScenarioReport.stepMs)
  EventHeap.runUntil(heap, scenario.durationMs)
  for (const call of calls) Topology.finish(call)
  const flows = watched.map(({ flow }) => flow)
  return {
    scenario: scenario.name,
    title: scenario.title,
    seed,
    durationMs: scenario.durationMs,
    stepMs: ScenarioReport.stepMs,
    bottlenecks: bottlenecks.map(({ series }) => series),
    flows,
    summary: {
      bottlenecks: bottlenecks.map(({ link, series }) => ScenarioSummary.ofBottleneck(scenario, link, series, flows)),
      flows: watched.map((each) => ScenarioSummary.ofFlow(scenario, each.flow, flows, each.receiver))
    }
  }
}

/** Delay and jitter are each call's own. */
const bottleneckOf = ({ queueMs, rate }: Scenario.Shape, seed: string, name: string): Link.Link =>
  Link.make({ ...Link.perfect, rate, queue: { kind: "time", ms: queueMs } }, seed, name)

const makeCall = (
  { hop }: Scenario.Scenario,
  { backward, delayMs, forward, jitterMs }: Scenario.Call,
  {
    heap,
    links,
    seed
  }: {
    readonly heap: EventHeap.EventHeap
    readonly links: ReadonlyMap<ScenarioReport.Direction, Link.Link>
    readonly seed: string
  }
): Topology.Call => {
  const through = { "a-up": links.get("forward"), "b-up": hop === "devices" ? links.get("backward") : undefined }
  return Topology.make({
    seed,
    topology:
      hop === "relay"
        ? { kind: "active", delaysMs: [delayMs, beyondRelayMs] }
        : { kind: "passive", delaysMs: [delayMs, 0] },
    links: { "a-up": { jitterMs }, "a-down": { jitterMs } },
    audio: AudioSource.continuous,
    devices: {
      a: sender(forward),
      b: backward === undefined ? { videoBps: 0 } : sender(backward)
    },
    playoutDelayMs,
    heap,
    through
  })
}

/** Any rate but 0: the estimate decides with the first frame. */
const sender = ({ presence, videoMaxBps }: Scenario.Source): Topology.DeviceOptions => ({
  videoBps: 1,
  videoMaxBps,
  presence
})

interface Watched {
  readonly flow: ScenarioReport.Flow
  /** Call every `stepMs`. */
  readonly note: () => void
  /** Who sees its video. */
  readonly receiver: LabDevice.LabDevice | undefined
}

const watchCall = (
  { backward, forward }: Scenario.Call,
  call: Topology.Call,
  heap: EventHeap.EventHeap
): ReadonlyArray<Watched> => [
  watchSource(forward, "forward", call, heap),
  ...(backward === undefined ? [] : [watchSource(backward, "backward", call, heap)])
]

const watchSource = (
  source: Scenario.Source,
  direction: ScenarioReport.Direction,
  { a, b, receivers }: Topology.Call,
  heap: EventHeap.EventHeap
): Watched => {
  const [device, receiver] = direction === "forward" ? [a, b] : [b, a]
  const { leg, node } = device
  const hop = receivers[direction === "forward" ? "a" : "b"]
  const path = node.paths.find((each) => each !== undefined)!
  const flow = ScenarioReport.makeFlow("media", source.name, direction, {
    videoMaxBps: source.videoMaxBps,
    presence: source.presence
  })
  const { pause } = source.presence
  if (pause !== undefined) {
    const resume = EventHeap.register(heap, () => {
      for (const { freezes } of receiver.receiving) FreezeMeter.pause(freezes)
    })
    EventHeap.schedule(heap, pause.untilMs, resume, 0)
  }
  const counted = counting(flow, path.counters)
  let repaired = 0
  const note = (): void => {
    flow.estimateBps!.push(Math.round(leg.send.rate?.estimator.targetBps ?? leg.kind.bandwidth.startBps))
    counted()
    flow.repairedPackets!.push(hop.receive.packetsRepaired - repaired)
    repaired = hop.receive.packetsRepaired
  }
  return { flow, note, receiver }
}

/** Writes down how much the counters have grown. */
const counting = (
  flow: ScenarioReport.Flow,
  counters: Pick<LabPath.Counters, "bytes" | "arrivedBytes" | "lost">
): (() => void) => {
  let before = { ...counters }
  return () => {
    flow.sentBps.push(rateOf(counters.bytes - before.bytes))
    flow.receivedBps.push(rateOf(counters.arrivedBytes - before.arrivedBytes))
    flow.lostPackets.push(counters.lost - before.lost)
    before = { ...counters }
  }
}

const rateOf = (bytes: number): number => Math.round((bytes * 8000) / ScenarioReport.stepMs)

const startTcp = (
  traffic: Scenario.Tcp,
  number: number,
  link: Link.Link,
  heap: EventHeap.EventHeap,
  seed: string
): Watched => {
  const { delayMs, fromMs, kind } = traffic
  const flow = ScenarioReport.makeFlow("tcp", `TCP, ${kind}`, "forward")
  const connections = Array.from({ length: kind === "long" ? 1 : traffic.count }, (_, i) => {
    const dice = Random.make(seed, `tcp ${number} ${i}`)
    const begin = EventHeap.register(heap, (_, nowMs) => TcpFlow.start(tcp, sizeOf(traffic, dice), nowMs))
    const pauseMs = (): number => (traffic.kind === "short" ? traffic.pauseMeanMs * Random.exponential(dice) : 0)
    const tcp = TcpFlow.make(heap, link, 2 * delayMs, (nowMs) => EventHeap.schedule(heap, nowMs + pauseMs(), begin, 0))
    EventHeap.schedule(heap, fromMs + pauseMs(), begin, 0)
    return tcp.counters
  })
  const sum = (key: keyof LabPath.Counters): number => connections.reduce((total, each) => total + each[key], 0)
  const counters = {
    get bytes() {
      return sum("bytes")
    },
    get lost() {
      return sum("lost")
    },
    get arrivedBytes() {
      return sum("arrivedBytes")
    }
  }
  return { flow, note: counting(flow, counters), receiver: undefined }
}

const sizeOf = (traffic: Scenario.Tcp, dice: Random.Random): number => {
  if (traffic.kind === "long") return Infinity
  return traffic.bytesMin + Random.below(dice, traffic.bytesMax - traffic.bytesMin)
}

const watchLink = ({ bottlenecks }: Scenario.Scenario, name: ScenarioReport.Direction, link: Link.Link) => {
  const { rate } = bottlenecks[name]!
  const series: ScenarioReport.Bottleneck = { name, capacityBps: [], queueMs: [] }
  let sum = 0
  let count = 0
  const note = (nowMs: number): void => {
    const { sojournsMs } = link.counters
    const fromMs = nowMs - ScenarioReport.stepMs
    series.capacityBps.push(Math.round(Bottleneck.capacityBps(rate, fromMs, nowMs)))
    const packets = sojournsMs.count - count
    const queueMs = packets > 0 ? (sojournsMs.sum - sum) / packets : Math.max(0, link.bottleneck.busyUntilMs - nowMs)
    series.queueMs.push(Math.round(queueMs * 10) / 10)
    sum = sojournsMs.sum
    count = sojournsMs.count
  }
  return { link, series, note }
}
