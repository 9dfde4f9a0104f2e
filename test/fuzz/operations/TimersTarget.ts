import * as LegTable from "../../../src/pipeline/LegTable.ts"
import * as LegTimers from "../../../src/pipeline/LegTimers.ts"
import * as RelayLeg from "../../../src/pipeline/RelayLeg.ts"
import { CallId, ParticipantId } from "../../../src/protocol/Ids.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"

/** What happens to one of some legs, or to all of them. Milliseconds. */
type Operation =
  | { readonly op: "remove"; readonly leg: number }
  /** So many, one behind the other. */
  | { readonly op: "add"; readonly leg: number; readonly count: number }
  | { readonly op: "schedule"; readonly leg: number; readonly inMs: number }
  /** `nextMs`: when the leg is due again after that; Infinity as -1, which JSON can show. */
  | { readonly op: "poll"; readonly afterMs: number; readonly nextMs: ReadonlyArray<number> }

const legsMax = 80
const startMs = 1000.5

/** Tags that fall upon few places of the table, and some on any. */
const tagOf = (leg: number): number => (leg % 2 === 0 ? 0x4000_0000 * (leg & 3) + 0x100 * leg + 1 : leg + 1)

const makeLeg = (leg: number): RelayLeg.RelayLeg =>
  RelayLeg.make({
    call: CallId.make("call"),
    participant: ParticipantId.make(`p${leg}`),
    streams: [],
    receiveTag: tagOf(leg),
    sendTag: leg,
    epoch: 1,
    address: new Uint32Array(5),
    repair: true
  })

/** A leg and the tick that it has to be polled at, as a plain list has it. */
interface Modelled {
  readonly leg: RelayLeg.RelayLeg
  dueTick: number
}

const { tickMs } = LegTimers

const check = (operations: ReadonlyArray<Operation>): void => {
  const table = LegTable.make()
  const timers = LegTimers.make(startMs)
  const model = new Map<number, Modelled>()
  let nowMs = startMs
  let tick = Math.floor(startMs / tickMs)
  /** A leg that is scheduled is due at the next tick or later. */
  const tickOf = (deadlineMs: number) => Math.max(tick + 1, Math.ceil(deadlineMs / tickMs))
  const schedule = (modelled: Modelled, deadlineMs: number) => {
    modelled.leg.hop.deadlineMs = deadlineMs
    LegTimers.schedule(timers, modelled.leg)
    if (deadlineMs !== Infinity) modelled.dueTick = Math.min(modelled.dueTick, tickOf(deadlineMs))
  }
  for (const operation of operations) {
    switch (operation.op) {
      case "add":
        for (let number = operation.leg; number < Math.min(legsMax, operation.leg + operation.count); number++) {
          if (model.has(number)) continue
          hold(LegTable.isFree(table, tagOf(number)), "the tag of a leg that is not there is free", () => show(number))
          const leg = makeLeg(number)
          LegTable.add(table, leg)
          model.set(number, { leg, dueTick: Infinity })
        }
        break
      case "remove": {
        const modelled = model.get(operation.leg)
        if (modelled === undefined) break
        LegTable.remove(table, modelled.leg)
        LegTimers.remove(timers, modelled.leg)
        model.delete(operation.leg)
        break
      }
      case "schedule": {
        const modelled = model.get(operation.leg)
        if (modelled !== undefined) schedule(modelled, nowMs + operation.inMs)
        break
      }
      case "poll": {
        nowMs += operation.afterMs
        const due = [...model.values()].filter(({ dueTick }) => dueTick <= Math.floor(nowMs / tickMs))
        const polled: Array<RelayLeg.RelayLeg> = []
        tick = Math.max(tick, Math.floor(nowMs / tickMs))
        LegTimers.poll(timers, nowMs, (leg) => {
          const inMs = operation.nextMs[polled.length % Math.max(1, operation.nextMs.length)] ?? -1
          // What a leg says of itself decides when it is next: here, that requests are due.
          leg.hop.receive.nacks.deadlineMs = inMs < 0 ? Infinity : nowMs + inMs
          polled.push(leg)
        })
        hold(new Set(polled).size === polled.length, "a leg is polled once", () =>
          show(polled.map(({ participant }) => participant))
        )
        const names = (legs: ReadonlyArray<RelayLeg.RelayLeg>) =>
          legs
            .map(({ participant }) => participant)
            .sort()
            .join(" ")
        hold(names(polled) === names(due.map(({ leg }) => leg)), "whoever is due is polled, and nobody else", () =>
          show([names(polled), names(due.map(({ leg }) => leg)), nowMs])
        )
        for (const modelled of due) {
          const { deadlineMs } = modelled.leg.hop.receive.nacks
          modelled.dueTick = deadlineMs === Infinity ? Infinity : tickOf(deadlineMs)
        }
      }
    }
    hold(table.size === model.size, "the table counts its legs", () => show([table.size, model.size]))
    for (let leg = 0; leg < legsMax; leg++) {
      hold(LegTable.get(table, tagOf(leg)) === model.get(leg)?.leg, "a tag finds its leg, and no other", () =>
        show(leg)
      )
    }
    const waiting = [...model.values()].filter(({ dueTick }) => dueTick < Infinity).length
    hold(timers.size === waiting, "the wheel counts its legs", () => show([timers.size, waiting]))
  }
}

const drawOperation = (draw: Dice.Dice): Operation => {
  const leg = Dice.integer(draw, 0, legsMax - 1)
  const op = Dice.pickWeighted(draw, { add: 6, remove: 3, schedule: 8, poll: 5 })
  switch (op) {
    case "schedule":
      return { op, leg, inMs: Dice.pick(draw, [-100, 0, 0.4, 4, 5, 20, 140, 2555, 2560, 2565, 9000]) }
    case "poll": {
      const nextMs = Dice.many(Dice.integer(draw, 0, 3), () => Dice.pick(draw, [-1, 0, 5, 100, 250, 3000]))
      return { op, afterMs: Dice.pick(draw, [0, 1, 4.9, 5, 50, 2550, 2560, 60_000]), nextMs }
    }
    case "add":
      return { op, leg, count: Dice.pick(draw, [1, 1, 1, 40]) }
    case "remove":
      return { op, leg }
  }
}

export const target = define<ReadonlyArray<Operation>>({
  name: "timers",
  about:
    "the legs of a relay, by tag and by deadline, against plain lists: found, polled when due, once, and never forgotten",
  smokeCases: 300,
  draw: (draw) => Dice.many(Dice.integer(draw, 1, 120), () => drawOperation(draw)),
  check,
  smaller: Smaller.lists,
  show: (operations) => operations.map((operation) => JSON.stringify(operation)).join("\n")
})
