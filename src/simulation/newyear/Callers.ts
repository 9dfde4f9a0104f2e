import * as Placement from "../../routing/Placement.ts"
import * as CallerSlot from "../../throttle/CallerSlot.ts"
import * as GiveUpOrder from "../../throttle/GiveUpOrder.ts"
import * as LoadShedding from "../../throttle/LoadShedding.ts"
import * as OfferedCalls from "../../throttle/OfferedCalls.ts"
import type { Priority } from "../../throttle/Priority.ts"
import { retryAfterMsAt, spreadMs } from "../../throttle/Refused.ts"
import * as EventHeap from "../EventHeap.ts"
import * as Random from "../Random.ts"
import * as CallMix from "./CallMix.ts"
import * as Evening from "./Evening.ts"
import * as FluidRelay from "./FluidRelay.ts"
import * as Tally from "./Tally.ts"

/** A call that goes on, on one relay. */
export interface Call {
  /** Place of its class in CallMix.shapes. */
  readonly shape: number
  readonly relay: FluidRelay.FluidRelay
  readonly beganMs: number
  participants: number
}

/** Somebody who asks: for a call, or for a place in one. */
interface Asker {
  readonly name: string
  readonly phase: Evening.Phase | undefined
  readonly shape: number
  readonly joins: Call | undefined
  triesLeft: number
}

/** All who call on this evening, and the calls that they have. Changed in place. */
export interface Callers {
  readonly evening: Evening.Evening
  readonly relays: ReadonlyArray<FluidRelay.FluidRelay>
  readonly tally: Tally.Tally
  readonly events: EventHeap.EventHeap
  readonly random: Random.Random
  /** By the place that events name; who has hung up is gone. */
  readonly calls: Map<number, Call>
  /** Those that have never lost too much. */
  readonly unharmed: Map<FluidRelay.FluidRelay, Set<Call>>
  readonly askers: Map<number, Asker>
  /** What each relay knows of the others. */
  known: ReadonlyArray<Known>
  named: number
  readonly handlers: { readonly arrive: number; readonly ask: number; readonly join: number; readonly end: number }
}

interface Known extends Placement.Load {
  readonly relay: FluidRelay.FluidRelay
}

/** Who is refused comes back so often, then gives up. */
const retriesMax = 3

export const make = (
  evening: Evening.Evening,
  relays: ReadonlyArray<FluidRelay.FluidRelay>,
  tally: Tally.Tally,
  seed: string
): Callers => {
  const events = EventHeap.make()
  const handlers = {
    arrive: EventHeap.register(events, (_, nowMs) => arrive(self, nowMs)),
    ask: EventHeap.register(events, (place, nowMs) => ask(self, place, nowMs)),
    join: EventHeap.register(events, (place, nowMs) => join(self, place, nowMs)),
    end: EventHeap.register(events, (place) => end(self, place))
  }
  const random = Random.make(seed, "callers")
  const self: Callers = {
    evening,
    relays,
    tally,
    events,
    random,
    calls: new Map(),
    unharmed: new Map(relays.map((relay) => [relay, new Set()])),
    askers: new Map(),
    known: [],
    named: 0,
    handlers
  }
  EventHeap.schedule(events, 0, handlers.arrive, 0)
  return self
}

/** The relays tell each other how full they are: what callers are sent by until they do so again. */
export const tell = (self: Callers): void => {
  self.known = self.relays.map((relay) => knownOf(relay, self.evening.isThrottled))
}

const knownOf = (relay: FluidRelay.FluidRelay, isThrottled: boolean): Known => ({
  relay,
  participants: relay.participants.reduce((sum, count) => sum + count, 0),
  fullness: FluidRelay.fullness(relay, isThrottled)
})

/** Calls come as often as at the fullest time; of other times those too many are left out. */
const arrive = (self: Callers, nowMs: number): void => {
  const { evening, events, handlers, random } = self
  const gapMs = (1000 * Random.exponential(random)) / Evening.callsPerSecondMax(evening)
  EventHeap.schedule(events, nowMs + gapMs, handlers.arrive, 0)
  const isLeftOut = Random.uniform(random) >= Evening.shareAt(evening, nowMs)
  const shape = CallMix.draw(Random.uniform(random))
  if (!isLeftOut) begin(self, shape, undefined, nowMs)
}

const begin = (self: Callers, shape: number, joins: Call | undefined, nowMs: number): void => {
  const place = self.named++
  const phase = Evening.phaseAt(self.evening, nowMs)
  self.askers.set(place, { name: `person ${place}`, phase, shape, joins, triesLeft: retriesMax })
  Tally.count(self.tally, phase, rowOf(shape, joins), "offered")
  ask(self, place, nowMs)
}

const rowOf = (shape: number, joins: Call | undefined): number => (joins === undefined ? shape : Tally.joinRow)

const ask = (self: Callers, place: number, nowMs: number): void => {
  const { askers, evening, events, handlers, random, tally } = self
  const asker = askers.get(place)!
  const { joins, name, phase, shape } = asker
  const row = rowOf(shape, joins)
  const relay = joins?.relay ?? relayFor(self, name)
  const priority = joins === undefined ? CallMix.shapes[shape]!.priority : "group-join"
  if (!evening.isThrottled || isLetIn(relay, priority, CallerSlot.slotOf(name, nowMs))) {
    Tally.count(tally, phase, row, "admitted")
    askers.delete(place)
    if (joins === undefined) take(self, place, shape, relay, nowMs)
    else enter(joins, 1)
  } else if (asker.triesLeft-- > 0) {
    const retryAfterMs = retryAfterMsAt(relay.shedding.level / GiveUpOrder.levelMax)
    EventHeap.schedule(events, nowMs + spreadMs(retryAfterMs, Random.uniform(random)), handlers.ask, place)
  } else {
    Tally.count(tally, phase, row, "refused")
    askers.delete(place)
  }
}

/** A caller knows any of the relays, which knows what the others had to do a moment ago. */
const relayFor = ({ evening, known, random, relays }: Callers, name: string): FluidRelay.FluidRelay => {
  const relay = relays[Random.below(random, relays.length)]!
  const others = known.filter((other) => other.relay !== relay)
  const better = Placement.better(name, knownOf(relay, evening.isThrottled), others, (other) => other.relay.id)
  return better?.relay ?? relay
}

const isLetIn = (relay: FluidRelay.FluidRelay, priority: Priority, slot: number): boolean => {
  OfferedCalls.add(relay.offered, priority, slot)
  return LoadShedding.admits(relay.shedding, priority, slot)
}

const take = (self: Callers, place: number, shape: number, relay: FluidRelay.FluidRelay, nowMs: number): void => {
  const { calls, evening, events, handlers, random } = self
  const { joinEveryMs, participantsFirst } = CallMix.shapes[shape]!
  const call: Call = { shape, relay, beganMs: nowMs, participants: 0 }
  calls.set(place, call)
  self.unharmed.get(relay)!.add(call)
  enter(call, participantsFirst)
  EventHeap.schedule(events, nowMs + evening.lengthMeanMs * Random.exponential(random), handlers.end, place)
  if (joinEveryMs < Infinity)
    EventHeap.schedule(events, nowMs + joinEveryMs * Random.exponential(random), handlers.join, place)
}

const enter = (call: Call, participants: number): void => {
  const { relay, shape } = call
  call.participants += participants
  relay.participants[shape]! += participants
  const { priority } = CallMix.shapes[shape]!
  for (let n = 0; n < participants; n++) relay.shedding = LoadShedding.admitted(relay.shedding, priority)
}

const join = (self: Callers, place: number, nowMs: number): void => {
  const { calls, events, handlers, random } = self
  const call = calls.get(place)
  if (call === undefined) return
  const { joinEveryMs } = CallMix.shapes[call.shape]!
  EventHeap.schedule(events, nowMs + joinEveryMs * Random.exponential(random), handlers.join, place)
  begin(self, call.shape, call, nowMs)
}

const end = ({ calls, unharmed }: Callers, place: number): void => {
  const call = calls.get(place)!
  unharmed.get(call.relay)!.delete(call)
  call.relay.participants[call.shape]! -= call.participants
  calls.delete(place)
}

/** The calls that have been on this relay long enough have lost too much. Each counts once; people stay, and hope. */
export const ruin = ({ evening, tally, unharmed }: Callers, relay: FluidRelay.FluidRelay, nowMs: number): void => {
  const calls = unharmed.get(relay)!
  for (const call of calls) {
    if (nowMs - call.beganMs < FluidRelay.ruinMs) continue
    calls.delete(call)
    Tally.count(tally, Evening.phaseAt(evening, nowMs), call.shape, "ongoingDropped")
  }
}

/** The evening is over: who still waits to ask again was not let in. */
export const close = ({ askers, tally }: Callers): void => {
  for (const { joins, phase, shape } of askers.values()) Tally.count(tally, phase, rowOf(shape, joins), "refused")
  askers.clear()
}
