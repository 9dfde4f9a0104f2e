import { setTimeout as sleep } from "node:timers/promises"
import * as CallPlan from "./CallPlan.ts"
import { type Blow, type ChaosEvent, type FlowClass, nowMs, type Scene } from "./ChaosEvent.ts"
import * as CpuShare from "./CpuShare.ts"
import type * as Order from "./generator/Order.ts"
import * as Pauses from "./Pauses.ts"

/** One event, once: what was measured around it. */
export interface Round {
  readonly callsBefore: number
  /** A flow of them, at least, is silent when it is over. */
  readonly callsLost: number
  /** In no call any more, or hearing nobody. */
  readonly membersLost: number
  /** The longest pause of each flow. Milliseconds. */
  readonly gapsMs: Readonly<Record<FlowClass, ReadonlyArray<number>>>
  /** Of the affected flows, counted from the first blow on, also where the promise counts from later. Milliseconds. */
  readonly gapMsMaxOfAll: number
  /** The gaps of the affected flows, before. Milliseconds. */
  readonly baselineGapsMs: ReadonlyArray<number>
  /** Of all pauses of the untouched flows, the 99.9th percentile: then, and before. Milliseconds. */
  readonly untouchedP999Ms: number
  readonly baselineP999Ms: number
  /** Since the generators were started: packets handed out twice or out of order, and packets of other calls. */
  readonly repeated: number
  readonly strangers: number
  /** Of one device, the most; of all together. */
  readonly movesMax: number
  readonly movesFalse: number
  readonly movesFalseMax: number
  /** Of all processors, what everything together took while nothing happened. 0 to 1. */
  readonly cpuShare: number
  readonly blow: Blow
}

const baselineMs = 3000
/** A flow that has been silent for so long is not there. Milliseconds. */
const silentMs = 1000
/** Everybody is back, and heard by everybody else, by then. Milliseconds. */
const healthyWithinMs = 30_000
/** A packet may wait that long in its receiver, for one before it that was lost: see `playoutDelayMs`. Milliseconds. */
const handedOutMs = 400
/** Time for those who have joined to measure their paths and to know their backups. Milliseconds. */
const settledMs = 6000

type Measured = Omit<Order.MeasureAnswer, "answer">

const measure = async ({ generators }: Scene, fromMs: number, untilMs: number): Promise<Measured> => {
  await sleep(Math.max(0, untilMs + handedOutMs - nowMs()))
  return generators.measure(fromMs, untilMs)
}

/** Everybody where they are: a relay may send those who join to another one. */
const placed = ({ calls, fleet }: Scene, { members }: Measured): Scene["calls"] => {
  const doors = fleet.doors()
  const relays = new Map(members.map(({ member, relay }) => [member, doors.indexOf(relay ?? "")]))
  return calls.map((call) => ({
    ...call,
    members: call.members.map((plan) => {
      const relay = relays.get(plan.member) ?? -1
      return relay < 0 ? plan : { ...plan, relay }
    })
  }))
}

/** Everybody joins where they belong, and hears everybody else of their call. Returns the scene as it is then. */
const heal = async (scene: Scene): Promise<Scene> => {
  const { calls, fleet, generators } = scene
  const startedAtMs = nowMs()
  await generators.gather(calls, fleet.key, fleet.doors())
  while (true) {
    await sleep(settledMs)
    const now = nowMs()
    const measured = await measure(scene, now - silentMs, now)
    const silent = measured.flows.filter(({ silentForMs }) => silentForMs > silentMs / 2)
    const isWhole = silent.length === 0 && measured.members.every(({ ended }) => ended === undefined)
    if (isWhole) return { ...scene, calls: placed(scene, measured) }
    if (nowMs() - startedAtMs > healthyWithinMs) {
      const who = silent.slice(0, 5).map(({ receiver, sender }) => `${receiver} does not hear ${sender}`)
      throw new Error(`not healthy after ${healthyWithinMs / 1000} s: ${who.join(", ")}`)
    }
  }
}

export const run = async (planned: Scene, event: ChaosEvent): Promise<Round> => {
  const scene = await heal(planned)
  const cpu = CpuShare.start()
  const beforeMs = nowMs()
  await sleep(baselineMs)
  const cpuShare = CpuShare.read(cpu)
  const baseline = await measure(scene, beforeMs, beforeMs + baselineMs)
  const struckAtMs = nowMs()
  try {
    const blow = await event.strike(scene)
    await sleep(event.watchMs)
    const untilMs = nowMs()
    const all = await measure(scene, struckAtMs, untilMs)
    const behind = await measure(scene, blow.sinceMs, untilMs)
    return { ...compare(scene, blow, baseline, all, behind), cpuShare, blow }
  } finally {
    await event.repair(scene)
  }
}

const compare = (
  { calls }: Scene,
  { classOf }: Blow,
  baseline: Measured,
  all: Measured,
  behind: Measured
): Omit<Round, "cpuShare" | "blow"> => {
  const classes = new Map(
    calls.flatMap(CallPlan.flowsOf).map((flow) => [`${flow.sender.member} ${flow.receiver.member}`, classOf(flow)])
  )
  const flowsOf = ({ flows }: Measured, wanted: FlowClass) =>
    flows.filter(({ receiver, sender }) => classes.get(`${sender} ${receiver}`) === wanted)
  const gapsOf = (flows: ReadonlyArray<Order.HeardFlow>) => flows.map(({ gapMs }) => gapMs)
  const silent = behind.flows.filter(({ silentForMs }) => silentForMs >= silentMs)
  const callOf = new Map(CallPlan.membersOf(calls).map(({ call, member }) => [member, call]))
  const hearsSomebody = new Set(
    behind.flows.filter(({ silentForMs }) => silentForMs < silentMs).map(({ receiver }) => receiver)
  )
  const earlier = new Map(baseline.members.map((report) => [report.member, report]))
  const moves = behind.members.map((now) => ({
    moves: now.moves - (earlier.get(now.member)?.moves ?? 0),
    movesFalse: now.movesFalse - (earlier.get(now.member)?.movesFalse ?? 0)
  }))
  return {
    callsBefore: calls.length,
    callsLost: new Set(silent.map(({ receiver }) => callOf.get(receiver))).size,
    membersLost: behind.members.filter(({ ended, member }) => ended !== undefined || !hearsSomebody.has(member)).length,
    gapsMs: {
      affected: gapsOf(flowsOf(behind, "affected")),
      bystander: gapsOf(flowsOf(behind, "bystander")),
      untouched: gapsOf(flowsOf(all, "untouched"))
    },
    gapMsMaxOfAll: Math.max(0, ...gapsOf(flowsOf(all, "affected"))),
    baselineGapsMs: gapsOf(flowsOf(baseline, "affected")),
    untouchedP999Ms: Pauses.quantileMs(flowsOf(all, "untouched"), 0.999),
    baselineP999Ms: Pauses.quantileMs(flowsOf(baseline, "untouched"), 0.999),
    repeated: behind.repeated,
    strangers: behind.strangers,
    movesMax: Math.max(...moves.map(({ moves }) => moves)),
    movesFalse: moves.reduce((sum, { movesFalse }) => sum + movesFalse, 0),
    movesFalseMax: Math.max(...moves.map(({ movesFalse }) => movesFalse))
  }
}
